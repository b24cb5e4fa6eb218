import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';


import type { createLogger } from '@culvert/logging/create-logger.ts';

export type Logger = ReturnType<typeof createLogger>;

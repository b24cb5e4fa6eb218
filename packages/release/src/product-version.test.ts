import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { productVersion } from './product-version.ts';

const directory = mkdtempSync(join(tmpdir(), 'culvert-release-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('the version is that of the repository, and that of the release in a release', () => {
  expect(productVersion()).toMatch(/^\d+\.\d+\.\d+/);
  writeFileSync(join(directory, 'package.json'), '{ "version": "1.0.0" }');
  expect(productVersion(directory)).toBe('1.0.0');
  writeFileSync(join(directory, 'release.json'), '{ "version": "1.2.0-rc.1" }');
  expect(productVersion(directory)).toBe('1.2.0-rc.1');
  writeFileSync(join(directory, 'release.json'), '{ "version": "soon" }');
  expect(() => productVersion(directory)).toThrow();
});

import { expect, test } from 'vitest';
import { holdScript, releaseScript } from './held-connections.ts';

test('new connections are held in a table of their own, for a time that the kernel ends by itself', () => {
  const script = holdScript('culvert0', 443);
  expect(script).toContain('table inet culvert_culvert0_held {');
  expect(script).toContain('elements = { 443 timeout 10s }');
  expect(script).toContain('tcp flags & (syn | ack) == syn tcp dport @ports drop');
  expect(script.startsWith(releaseScript('culvert0'))).toBe(true);
});

test('a release succeeds whether something is held or not', () => {
  expect(releaseScript('tun.1')).toBe(
    'table inet culvert_tun_1_held\ndelete table inet culvert_tun_1_held\n',
  );
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseContainer, parseImage, parseLoaded } from './inspect.ts';

const recorded = (name: string) => readFileSync(join(import.meta.dirname, 'testing', `${name}.json`), 'utf8');

describe.each(['docker-20.10', 'podman-4.3'])('what %s tells of a container', (engine) => {
  test('that runs, is read with its health, labels and process', () => {
    expect(parseContainer(recorded(`${engine}-running`))).toMatchObject({
      state: 'running',
      health: 'healthy',
      image: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      labels: { 'io.culvert.specification': 'abc' },
      processId: expect.any(Number),
      startedAt: expect.stringMatching(/^2026-11-25T/),
      exitCode: undefined,
    });
  });

  test('that has ended, is read with its exit code and without a process', () => {
    expect(parseContainer(recorded(`${engine}-exited`))).toMatchObject({
      state: 'exited',
      exitCode: 137,
      processId: undefined,
    });
  });

  test('that was never started and has no health check, is read', () => {
    expect(parseContainer(recorded(`${engine}-created`))).toMatchObject({
      state: 'created',
      health: 'none',
      processId: undefined,
      startedAt: undefined,
      exitCode: undefined,
    });
  });

  test('has the digest of its image as the image itself tells it', () => {
    expect(parseContainer(recorded(`${engine}-running`))?.image).toBe(
      parseImage(recorded(`${engine}-image`))?.digest,
    );
  });
});

test('the name that Podman 3 has for the health is known', () => {
  const [container] = JSON.parse(recorded('podman-4.3-running'));
  const { Health, ...State } = container.State;
  const old = JSON.stringify([
    { ...container, State: { ...State, Healthcheck: { ...Health, Status: 'unhealthy' } } },
  ]);
  expect(parseContainer(old)?.health).toBe('unhealthy');
});

test('words of Podman for states are those of Docker', () => {
  const [container] = JSON.parse(recorded('podman-4.3-exited'));
  const state = (Status: string) =>
    parseContainer(JSON.stringify([{ ...container, State: { ...container.State, Status } }]))?.state;
  expect(['configured', 'stopped', 'paused'].map(state)).toEqual(['created', 'exited', 'paused']);
});

test('an answer that is something else is never half understood', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(parseContainer(text)).toBeUndefined();
      expect(parseImage(text)).toBeUndefined();
    }),
  );
});

test('loaded images are named by every version in its own words', () => {
  expect(parseLoaded('Loaded image: mstunnel-server:1.0.0\nLoaded image: mstunnel-agent:1.0.0\n')).toEqual([
    'mstunnel-server:1.0.0',
    'mstunnel-agent:1.0.0',
  ]);
  expect(parseLoaded('Loaded image(s): localhost/a:1,localhost/b:1\n')).toEqual([
    'localhost/a:1',
    'localhost/b:1',
  ]);
  expect(parseLoaded('Getting image source signatures\n')).toEqual([]);
});

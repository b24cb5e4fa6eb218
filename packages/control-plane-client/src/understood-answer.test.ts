import { expect, test } from 'vitest';
import { understoodAnswerSchema } from './understood-answer.ts';

const answer = {
  serverTime: '2026-11-25T09:00:00.000Z',
  nextCheckInSeconds: 60,
  settings: { internalNetworkProbeUrl: null, imageRegistryUrl: null },
  commands: [{ id: '1', order: { kind: 'restartServer' } }],
  cursor: 'c',
};

test('an answer of the same version is understood as a whole', () => {
  expect(understoodAnswerSchema.parse(answer)).toEqual({ ...answer, notUnderstood: [] });
});

test('an agent that is older than its control plane still hears which version it is to become', () => {
  const newer = {
    ...answer,
    desiredVersion: '2.0.0',
    mood: 'fine',
    settings: { ...answer.settings, colour: 'blue' },
    configuration: { revision: 'of another kind' },
    commands: [{ id: '0', order: { kind: 'dance' } }, ...answer.commands],
  };
  expect(understoodAnswerSchema.parse(newer)).toEqual({
    ...answer,
    desiredVersion: '2.0.0',
    notUnderstood: ['a command', 'the configuration of the site'],
  });
});

test('what is no answer at all is refused', () => {
  for (const body of [undefined, null, 'x', [], {}, { ...answer, cursor: 1 }, { ...answer, commands: 'x' }]) {
    expect(understoodAnswerSchema.safeParse(body).success).toBe(false);
  }
});

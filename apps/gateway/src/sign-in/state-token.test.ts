import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openState, sealState, signInMilliseconds } from './state-token.ts';

const key = Buffer.alloc(32, 7);
const state = { nonce: '0123456789abcdef', startedAt: 1_790_000_000_000, failures: 2 };

test('a state token gives back what was put in, within its time', () => {
  const token = sealState(state, key);
  expect(openState(token, key, state.startedAt + signInMilliseconds)).toEqual(state);
  expect(openState(token, key, state.startedAt + signInMilliseconds + 1)).toBeUndefined();
  expect(openState(token, Buffer.alloc(32, 8), state.startedAt)).toBeUndefined();
});

test('a state token that was changed anywhere opens nothing', () => {
  const token = sealState(state, key);
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom(...'0123456789abcdefAx'), (index, character) => {
      fc.pre(token[index] !== character);
      const changed = token.slice(0, index) + character + token.slice(index + 1);
      expect(openState(changed, key, state.startedAt)).toBeUndefined();
    }),
  );
});

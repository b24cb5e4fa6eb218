import { revisionSchema, serverConfigurationSchema } from '@culvert/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOffered } from './offer.ts';
import { revisionOf } from './revision.ts';

const content = {
  publicAddress: 'vpn.example.com',
  serverConfiguration: serverConfigurationSchema.parse({
    displayName: 'Tokyo',
    network: '10.70.0.0/16',
    routeIncludes: ['10.60.0.0/24'],
  }),
};

/** The same object with its keys in another order. */
function shuffled<Value extends object>(value: Value, order: readonly number[]): Value {
  const entries = Object.entries(value).map((entry, index) => ({ entry, place: order[index] ?? 0 }));
  return Object.fromEntries(entries.sort((a, b) => a.place - b.place).map(({ entry }) => entry)) as Value;
}

describe('a revision', () => {
  test('is the same for the same content in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 20, maxLength: 20 }), (order) => {
        const other = { ...content, serverConfiguration: shuffled(content.serverConfiguration, order) };
        expect(revisionOf(shuffled(other, order))).toBe(revisionOf(content));
      }),
    );
    expect(revisionSchema.parse(revisionOf(content))).toBe(revisionOf(content));
  });

  test('is another one for another content', () => {
    const { serverConfiguration } = content;
    const others = [
      { ...content, publicAddress: 'vpn2.example.com' },
      { ...content, serverConfiguration: { ...serverConfiguration, routeIncludes: ['10.61.0.0/24'] } },
      { ...content, serverConfiguration: { ...serverConfiguration, listenPort: 8443 } },
    ];
    expect(new Set([content, ...others].map(revisionOf)).size).toBe(4);
  });
});

test.each([
  ['nothing is in use', { applied: undefined, tried: undefined, isRestarting: false }, true],
  ['another one is in use', { applied: 'b', tried: 'b', isRestarting: false }, true],
  ['it is in use', { applied: 'a', tried: 'a', isRestarting: false }, false],
  ['it is in use and a restart is ordered', { applied: 'a', tried: 'a', isRestarting: true }, false],
  ['it is in use after another one has failed', { applied: 'a', tried: 'b', isRestarting: false }, false],
  ['it was tried last and is not in use', { applied: 'b', tried: 'a', isRestarting: false }, false],
  ['it was tried last and a restart is ordered', { applied: 'b', tried: 'a', isRestarting: true }, true],
  ['another one was tried last and is not in use', { applied: 'c', tried: 'b', isRestarting: false }, true],
])('a configuration while %s: offered %s', (_name, situation, expected) => {
  expect(isOffered({ desired: 'a', ...situation })).toBe(expected);
});

import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ settings: { gateway: { allowedPlatforms: ['linux', 'windows', 'android'] } } });
const onlyProduct = test.runIf(serverKind === 'culvert');

/** As `openconnect --os=…` names them. */
const allowed = ['linux', 'linux-64', 'win', 'android'];
const refused: [os: string, name: string][] = [
  ['mac-intel', 'macOS'],
  ['apple-ios', 'iOS'],
];

onlyProduct.each(allowed)('%s is an allowed platform and gets in', async (os) => {
  await lab().connect({ dtls: false, extra: [`--os=${os}`] });
});

onlyProduct.each(refused)('%s is refused, with a message that the user sees', async (os, name) => {
  const client = lab().startClient({ dtls: false, extra: [`--os=${os}`, '--non-inter'] });
  expect((await client.process.waitForEnd(20_000)).code).not.toBe(0);
  expect(client.log).toContain(`Devices of this kind (${name}) may not connect`);
  const line = lab().culvert.accessLog().at(-1);
  expect(line).toMatchObject({ event: 'signIn', result: 'refused', reason: 'platform', platform: name });
});

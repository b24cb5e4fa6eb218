import { Unreachable } from '@culvert/control-plane-client/failures.ts';
import { SignInFailure } from '@culvert/control-plane-client/sign-in.ts';
import { expect, test } from 'vitest';
import { explainSignIn } from './access-token.ts';
import { accountReports } from './account-reports.ts';

const site = { id: '1', displayName: 'Tokyo', publicAddress: 'vpn.example.com', mayRegister: true };
const create = { id: 'c', name: 'Microsoft Tunnel Gateway / Create' };
const told = async (missingPermissions: (typeof create)[], sites: (typeof site)[]) =>
  (await accountReports({ missingPermissions, sites })).map(({ result, found }) => `${result} ${found.en}`);

test('an account hears where it may register servers, or what it is missing by the name in the admin centre', async () => {
  expect(await told([], [site])).toEqual([
    'ok this account may register servers',
    'ok may register in 1: Tokyo (vpn.example.com)',
  ]);
  expect(await told([create], [{ ...site, mayRegister: false }])).toEqual([
    'failed missing: "Microsoft Tunnel Gateway / Create"',
    'failed this account may register in none',
  ]);
  expect((await told([], []))[1]).toBe('warning there is none that this account can see');
});

test('a sign-in that came to nothing is told in a plain sentence of each language', () => {
  const words = (error: Error) => explainSignIn(error, 'https://control.test').text;
  expect(words(new SignInFailure('expired', '', undefined)).en).toContain('The code has expired');
  expect(words(new SignInFailure('refused', '', undefined)).ja).toContain('拒否されました');
  expect(words(new Unreachable('nothing listens at control.test:8443', 'refused')).en).toContain(
    'nothing listens',
  );
});

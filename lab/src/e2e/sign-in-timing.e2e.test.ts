import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import type { Namespace } from '../network/namespace.ts';
import { request } from '../traffic/https.ts';
import { useLab } from './use-lab.ts';

/** One try for each account: the third one of an account is slowed down on purpose. */
const tries = 12;
const names = Array.from({ length: tries }, (_, index) => index);
const accounts = Object.fromEntries(names.map((index) => [`known${index}`, 'a password of the lab']));

const lab = useLab({
  settings: {
    accounts,
    gateway: { signInProtection: { failuresBeforeBan: 1000, banSeconds: 10, neverBan: [] } },
  },
});

const headers = [
  'Content-Type: application/xml; charset=utf-8',
  'X-Aggregate-Auth: 1',
  'X-Transcend-Version: 1',
];
const open = '<?xml version="1.0" encoding="UTF-8"?><config-auth client="vpn" type=';

/** Seconds that the gateway takes to refuse this account. */
async function secondsToRefuse(device: Namespace, authoritiesFile: string, user: string): Promise<number> {
  const init = `${open}"init"><version who="vpn">v9.01</version><device-id>linux-64</device-id></config-auth>`;
  const form = await request(device, { authoritiesFile, method: 'POST', headers, body: init });
  const opaque = /<opaque[^>]*>[\s\S]*<\/opaque>/.exec(form.body)?.[0] ?? '';
  const cookies = [...form.head.matchAll(/^set-cookie: ([^;]*)/gim)].map(([, cookie]) => cookie);
  const reply =
    `${open}"auth-reply"><version who="vpn">v9.01</version><device-id>linux-64</device-id>${opaque}` +
    `<auth><username>${user}</username><password>certainly wrong</password></auth></config-auth>`;
  const answer = await request(device, {
    authoritiesFile,
    method: 'POST',
    path: '/auth',
    headers: [...headers, `Cookie: ${cookies.join('; ')}`],
    body: reply,
  });
  expect(answer.status).toBe(200);
  expect(answer.body).toContain('<error');
  return answer.seconds;
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

test.runIf(serverKind === 'culvert')(
  'an unknown user is refused as slowly as a wrong password, with the same words',
  async () => {
    const { device } = lab().network;
    const { rootFile } = lab().authority;
    const [known, unknown]: [number[], number[]] = [[], []];
    for (const index of names) {
      known.push(await secondsToRefuse(device.namespace, rootFile, `known${index}`));
      unknown.push(await secondsToRefuse(device.namespace, rootFile, `stranger${index}`));
    }
    const ratio = middle(unknown) / middle(known);
    // A look-up without hashing takes a hundredth of the time; the machine's own noise stays far below two.
    expect(ratio, `known ${known}, unknown ${unknown}`).toBeGreaterThan(0.5);
    expect(ratio, `known ${known}, unknown ${unknown}`).toBeLessThan(2);
  },
);

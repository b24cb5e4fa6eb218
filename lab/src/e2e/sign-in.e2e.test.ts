import { expect, test } from 'vitest';
import type { ClientOptions } from '../client/client.ts';
import { serverKind } from '../lab.ts';
import { gatewayName } from '../network/network.ts';
import { labAccounts } from '../server/server.ts';
import { reaches } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab();
const onlyProduct = test.runIf(serverKind === 'culvert');

/** What `--authenticate` prints for a shell to read. */
function cookieOf(output: string): string | undefined {
  return /^COOKIE='(.*)'$/m.exec(output)?.[1];
}

async function expectTunnel(changes: Partial<ClientOptions>): Promise<void> {
  const client = await lab().connect({ dtls: false, ...changes });
  expect(await reaches(lab().network.device.namespace, '10.60.0.2')).toBe(true);
  await client.logOut();
}

test('the forms of the XML sign-in lead to a tunnel', async () => {
  await expectTunnel({});
});

test('the old form login works too', async () => {
  await expectTunnel({ extra: ['--no-xmlpost'] });
});

onlyProduct('each step of the sign-in may come on a connection of its own', async () => {
  await expectTunnel({ extra: ['--no-http-keepalive'] });
});

test('a client that was built with OpenSSL signs in', async () => {
  await expectTunnel({ build: 'openssl' });
});

test('one process signs in, another one connects with the cookie', async () => {
  const first = lab().startClient({ extra: ['--authenticate'] });
  expect((await first.process.waitForEnd(20_000)).code).toBe(0);
  const cookie = cookieOf(first.log);
  expect(cookie).toBeDefined();
  await expectTunnel({ cookie: cookie ?? '' });
});

onlyProduct('the bare value of the cookie is enough on a command line', async () => {
  const first = lab().startClient({ extra: ['--authenticate'] });
  expect((await first.process.waitForEnd(20_000)).code).toBe(0);
  const cookie = /webvpn=([^;]*)/.exec(cookieOf(first.log) ?? '')?.[1] ?? cookieOf(first.log) ?? '';
  // A cookie with "=" or ";" is taken apart by openconnect.
  expect(cookie).toMatch(/^[A-Za-z0-9_-]+$/);
  await expectTunnel({ cookie });
});

onlyProduct('an unknown cookie is refused and the client says so', async () => {
  const client = lab().startClient({ cookie: 'webvpn=0123456789abcdef0123456789abcdef' });
  expect((await client.process.waitForEnd(20_000)).code).toBe(2);
  expect(client.log).toContain('Cookie was rejected');
});

onlyProduct('after a wrong password the client is asked again and told why', async () => {
  const client = lab().startClient({ password: ['wrong', 'alice', labAccounts.alice], dtls: false });
  await client.connected();
  expect(client.log).toContain('The user name or the password is wrong.');
});

onlyProduct('the third wrong password ends the sign-in', async () => {
  const password = ['wrong', 'bob', 'wrong again', 'bob', 'and again'];
  const client = lab().startClient({ user: 'bob', password });
  const { code } = await client.process.waitForEnd(30_000);
  expect(code).not.toBe(0);
  expect(client.log).toContain('Too many wrong tries');
  expect(client.log).not.toContain('Basic authentication');
});

onlyProduct('a message for people never carries the password or the cookie', async () => {
  const client = await lab().connect({ dtls: false });
  await client.logOut();
  const { culvert } = lab();
  const written = culvert.output + JSON.stringify(culvert.accessLog());
  expect(written).not.toContain(labAccounts.alice);
  expect(written).not.toMatch(/webvpn=[A-Za-z0-9_-]{8}/);
});

test('the certificate of the gateway is checked against its name', async () => {
  const client = lab().startClient({
    url: `https://other.test`,
    extra: ['--non-inter', '--resolve', 'other.test:10.50.0.1'],
  });
  expect((await client.process.waitForEnd(20_000)).code).not.toBe(0);
  expect(client.log).toMatch(/certificate.*(match|fail)/i);
  expect(client.log).not.toContain(`POST https://${gatewayName}/auth`);
});

onlyProduct('with every address in use the next user is told so, and gets in when one is free', async () => {
  await lab().restartServer({ server: { network: '10.70.0.0/30', routeIncludes: ['10.60.0.0/16'] } });
  try {
    const first = await lab().connect({ dtls: false });
    const refused = lab().startClient({ user: 'bob', dtls: false, extra: ['--non-inter'] });
    expect((await refused.process.waitForEnd(20_000)).code).not.toBe(0);
    expect(refused.log).toContain('The server has no free address for your device.');
    expect(await reaches(first.device.namespace, '10.60.0.2')).toBe(true);
    await first.logOut();
    await expectTunnel({ user: 'bob' });
  } finally {
    await lab().dismissClients();
    await lab().restartServer();
  }
});

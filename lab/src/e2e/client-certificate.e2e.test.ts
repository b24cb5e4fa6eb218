import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Client } from '../client/client.ts';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { Authority, type CertificateRequest } from '../server/certificates.ts';
import { writeAccounts } from '../server/culvert.ts';
import { labAccounts } from '../server/server.ts';
import { makeDirectory } from '../system/run.ts';
import { reaches } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab();
const onlyProduct = test.runIf(serverKind === 'culvert');

/** Lets the gateway ask for certificates of an authority of its own, and returns that authority. */
async function useCertificates(use: 'secondFactor' | 'alone'): Promise<Authority> {
  const devices = await Authority.create('Devices');
  const file = join(makeDirectory('accounts'), 'users');
  await writeAccounts(file, labAccounts);
  await lab().restartServer({
    gateway: {
      authentication: [
        ...(use === 'secondFactor' ? [{ kind: 'passwordFile', file } as const] : []),
        {
          kind: 'clientCertificate',
          // The intermediate one too: clients send it or not.
          authoritiesFile: devices.rootFile,
          use,
          identity: 'commonName',
        },
      ],
    },
  });
  return devices;
}

async function clientWith(
  authority: Authority,
  request: CertificateRequest,
  extra: string[] = [],
): Promise<Client> {
  const issued = await authority.issue({ usage: 'clientAuth', ...request });
  const files = ['--certificate', issued.chainFile, '--sslkey', issued.privateKeyFile];
  return lab().startClient({ dtls: false, extra: [...files, ...extra] });
}

async function expectRefusal(client: Client, words: RegExp): Promise<void> {
  const { code } = await client.process.waitForEnd(30_000);
  expect(code).not.toBe(0);
  expect(client.log).toMatch(words);
  expect(client.log).not.toContain('Configured as');
}

onlyProduct('as second factor a certificate and the password of one account lead to a tunnel', async () => {
  const authority = await useCertificates('secondFactor');
  const client = await clientWith(authority, { commonName: 'alice' });
  await client.connected();
  expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
});

onlyProduct('as second factor a password without certificate is not enough', async () => {
  await useCertificates('secondFactor');
  await expectRefusal(lab().startClient({ dtls: false }), /certificate is needed/i);
});

onlyProduct('as second factor a certificate of somebody else is not enough', async () => {
  const authority = await useCertificates('secondFactor');
  const client = await clientWith(authority, { commonName: 'bob' }, ['--non-inter']);
  await expectRefusal(client, /belongs to another user|wrong/i);
});

onlyProduct('alone a certificate signs in without any question', async () => {
  const authority = await useCertificates('alone');
  const issued = await authority.issue({ commonName: 'carol', usage: 'clientAuth', key: 'rsa:2048' });
  const client = lab().startClient({
    user: 'nobody',
    extra: ['--certificate', issued.chainFile, '--sslkey', issued.privateKeyFile, '--non-inter'],
  });
  await client.connected();
  expect((await lab().culvert.sessions()).map((session) => session.user)).toEqual(['carol']);
});

onlyProduct('a certificate of an unknown authority is refused', async () => {
  await useCertificates('alone');
  const stranger = await Authority.create('Stranger');
  await expectRefusal(await clientWith(stranger, { commonName: 'alice' }), /not accepted/i);
});

onlyProduct('an RSA key of 1024 bits is refused by name, on the form and in the log', async () => {
  const authority = await useCertificates('alone');
  // The signature that GnuTLS wants to make under TLS 1.3 does not fit into so short a key.
  const client = await clientWith(authority, { commonName: 'alice', key: 'rsa:1024' }, [
    ...['--gnutls-priority', 'NORMAL:-VERS-TLS1.3:%VERIFY_ALLOW_BROKEN'],
  ]);
  await expectRefusal(client, /1024 bits.*2048/);
  expect(lab().culvert.accessLog().at(-1)).toMatchObject({ event: 'signIn', result: 'refused' });
  expect(JSON.stringify(lab().culvert.accessLog().at(-1))).toMatch(/1024 bits.*2048/);
});

onlyProduct('a certificate for servers signs nobody in', async () => {
  const authority = await useCertificates('alone');
  await expectRefusal(
    await clientWith(authority, { commonName: 'alice', usage: 'serverAuth' }),
    /clientAuth/,
  );
});

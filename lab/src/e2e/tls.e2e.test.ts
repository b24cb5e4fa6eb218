import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { exportPfx, replaceCertificate } from '../server/certificates.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { SteadyPing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab();
const onlyProduct = test.runIf(serverKind === 'culvert');

/** What `openssl s_client` says of a handshake with these options. */
async function handshake(...options: string[]): Promise<string> {
  const { stdout, stderr } = await lab().network.device.namespace.attempt(
    [
      ...['openssl', 's_client', '-connect', '10.50.0.1:443', '-servername', 'vpn.test', '-showcerts'],
      ...['-CAfile', lab().authority.rootFile, ...options],
    ],
    { timeoutMilliseconds: 15_000 },
  );
  return stdout + stderr;
}

/** Serial number of the certificate that a new connection gets. */
async function serial(): Promise<string> {
  const leaf = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(await handshake())?.[0];
  const input = `${leaf}\n`;
  const { namespace } = lab().network.device;
  return (await namespace.run(['openssl', 'x509', '-noout', '-serial'], { input })).stdout;
}

onlyProduct('TLS 1.3 is what a client gets that can do it', async () => {
  expect(await handshake()).toContain('New, TLSv1.3');
});

test('TLS 1.2 is accepted, with forward secrecy and an AEAD cipher', async () => {
  expect(await handshake('-tls1_2')).toMatch(/New, TLSv1\.2, Cipher is ECDHE-\S+(GCM|POLY1305)/);
});

onlyProduct.each(['-tls1_1', '-tls1'])('openssl s_client %s is refused', async (option) => {
  // Security level 0 lets this OpenSSL offer what it would not by itself.
  const text = await handshake(option, '-cipher', 'ALL:@SECLEVEL=0');
  // rustls says the one or the other, by what the ClientHello lacks first.
  expect(text).toMatch(/alert (protocol version|handshake failure)/i);
  expect(text).toContain('Cipher is (NONE)');
  expect(text).toContain('no peer certificate available');
});

onlyProduct('a client that can do no more than TLS 1.1 is refused', async () => {
  const client = lab().startClient({ extra: ['--gnutls-priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT'] });
  expect((await client.process.waitForEnd(20_000)).code).not.toBe(0);
});

test('the whole chain is sent', async () => {
  const text = await handshake();
  expect(text).toContain('Verify return code: 0 (ok)');
  expect(text.match(/-----BEGIN CERTIFICATE-----/g)?.length).toBeGreaterThanOrEqual(2);
});

onlyProduct('a PFX file serves as well as PEM files', async () => {
  const { certificate } = lab().server.place;
  const pfxFile = await exportPfx(certificate, 'secret of the file');
  const pfxPasswordFile = `${makeDirectory('pfx')}/password`;
  writeFileSync(pfxPasswordFile, 'secret of the file\n', { mode: 0o600 });
  await lab().restartServer({ gateway: { tls: { pfxFile, pfxPasswordFile } } });
  try {
    expect(await handshake()).toContain('Verify return code: 0 (ok)');
    await lab().connect();
  } finally {
    await lab().dismissClients();
    await lab().restartServer();
  }
});

onlyProduct('a certificate that is replaced is used by new connections while a tunnel runs on', async () => {
  const client = await lab().connect();
  const ping = new SteadyPing(client.device.namespace, corpAddress);
  const before = await serial();
  replaceCertificate(lab().server.place.certificate, await lab().authority.issueSite());
  expect((await lab().culvert.command('reload')).code).toBe(0);
  await eventually('new handshakes get the new certificate', async () => (await serial()) !== before, 10_000);
  const { lost } = await ping.stop();
  expect(lost).toEqual([]);
  expect(client.scriptCalls().map((call) => call.reason)).not.toContain('reconnect');
});

onlyProduct('a broken certificate is refused at reload and the old one stays', async () => {
  const { certificate } = lab().server.place;
  writeFileSync(certificate.chainFile, 'this is no certificate\n');
  const { code, stdout, stderr } = await lab().culvert.command('reload');
  expect(code).not.toBe(0);
  expect(stdout + stderr).toMatch(/certificate/i);
  expect(await handshake()).toContain('Verify return code: 0 (ok)');
  replaceCertificate(certificate, await lab().authority.issueSite());
});

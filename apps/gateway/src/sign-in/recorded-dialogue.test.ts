import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { connectRequest, cookieOf, opaqueOf, startService, until } from '../service-testing.ts';

/** openconnect 9.21 (GnuTLS) as it spoke to another server: init, init of the chosen group, auth-reply, CONNECT. */
const recorded = readFileSync(new URL('recorded/openconnect-9.21-gnutls.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n----\n');

function request(index: number, change: (text: string) => string = (text) => text): Buffer {
  const [head = '', ...rest] = change(recorded[index] ?? '').split('\n\n');
  const body = Buffer.from(rest.join('\n\n'));
  const length = `Content-Length: ${body.length}`;
  const lines = head.split('\n').map((line) => (line.startsWith('Content-Length') ? length : line));
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
}

test('the recorded dialogue of openconnect 9.21 signs in and opens a tunnel with DTLS', async () => {
  const service = await startService();
  const connection = service.connect();
  expect((await connection.request(request(0))).body).toContain('<form');
  const form = await connection.request(request(1));
  // What the recording could not have: our opaque element, and the password it hides.
  const done = await connection.request(
    request(2, (text) =>
      text
        .replace('</capabilities>', `</capabilities>${opaqueOf(form.body)}`)
        .replace(/<password>x+</, '<password>correct horse<'),
    ),
  );
  const cookie = cookieOf(done.body);
  expect(cookie).not.toBe('');
  connection.write(request(3, (text) => text.replace(/webvpn=x+/, `webvpn=${cookie}`)));
  await until(() => service.engine.attachments.length === 1);
  expect(service.engine.attachments[0]).toMatchObject({ mtu: 1434, dtls: { mode: 'psk' } });
  // It asked for IPv4 only.
  expect(service.engine.attachments[0]?.ipv6).toBeUndefined();
  await service.close();
});

test('a cookie from --authenticate opens the tunnel on another connection', async () => {
  const service = await startService();
  const form = await service.connect().request(request(0));
  const done = await service
    .connect()
    .request(
      request(2, (text) =>
        text
          .replace('</capabilities>', `</capabilities>${opaqueOf(form.body)}`)
          .replace(/<password>x+</, '<password>correct horse<'),
      ),
    );
  service.connect({ connection: 9 }).write(connectRequest(cookieOf(done.body)));
  await until(() => service.engine.attachments.length === 1);
  expect(service.engine.attachments[0]?.connection).toBe(9);
  await service.close();
});

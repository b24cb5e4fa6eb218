/**
 * Misbehaving TCP clients. Run inside the namespace of a device:
 *
 *     attack.ts handshake-one-byte-a-second SECONDS  a good ClientHello, one byte a second; prints how long it was borne
 *     attack.ts handshake-truncated SECONDS          half of a good ClientHello, then silence; prints the same
 *     attack.ts slow SECONDS      a request, one byte a second; prints how long the server bore it
 *     attack.ts header BYTES      a request with one huge header; prints the first line of the answer
 *     attack.ts body BYTES        a sign-in with a huge body; prints the first line of the answer
 *     attack.ts garbage           bytes that are no TLS; prints how long the server bore it
 *     attack.ts pipeline          two requests at once on one connection; prints the answers' first lines
 */
import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { gatewayAddress, gatewayName } from '../network/network.ts';

/** Whatever happens, the attack is over after this time. */
const limitMilliseconds = 90_000;

const tcp = () => connectTcp({ host: gatewayAddress, port: 443 });
const tls = () =>
  connectTls({ host: gatewayAddress, port: 443, servername: gatewayName, rejectUnauthorized: false });

/** Seconds until the server closes. */
function borne(socket: Socket): Promise<number> {
  const started = Date.now();
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve((Date.now() - started) / 1000));
    socket.resume();
  });
}

/** First line of each answer that came before the server closed or fell silent. */
async function answers(socket: Socket, request: string): Promise<string> {
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1');
  });
  socket.write(request);
  await Promise.race([borne(socket), sleep(5_000)]);
  socket.destroy();
  return text.match(/HTTP\/1\.1 \d+/g)?.join(', ') ?? 'closed';
}

async function slow(seconds: number): Promise<string> {
  const socket = tls();
  const end = borne(socket);
  const request = `GET / HTTP/1.1\r\nHost: ${gatewayName}\r\nX-Slow: ${'x'.repeat(10_000)}`;
  const write = (async () => {
    for (let second = 0; second < seconds && !socket.destroyed; second += 1) {
      socket.write(request[second] ?? 'x');
      await sleep(1_000);
    }
    socket.destroy();
  })();
  const borneFor = await end;
  await write;
  return borneFor.toFixed(1);
}

/** The first bytes that an honest client sends. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer) => resolve(bytes),
    });
    connectTls({ socket, servername: gatewayName, rejectUnauthorized: false }).on('error', () => undefined);
  });
}

/** Sends a ClientHello piece by piece, one a second, for as long as the server bears it. */
async function handshake(seconds: number, pieces: (hello: Buffer) => Buffer[]): Promise<string> {
  const parts = pieces(await clientHello());
  const socket = tcp();
  const end = borne(socket);
  for (let second = 0; second < seconds && !socket.destroyed; second += 1) {
    const part = parts[second];
    if (part !== undefined) socket.write(part);
    await Promise.race([end, sleep(1_000)]);
  }
  socket.destroy();
  return (await end).toFixed(1);
}

async function garbage(): Promise<string> {
  const socket = tcp();
  socket.write(randomBytes(4_096));
  return (await borne(socket)).toFixed(1);
}

const get = `GET / HTTP/1.1\r\nHost: ${gatewayName}\r\n`;
const kinds: Record<string, (amount: number) => Promise<string>> = {
  slow,
  garbage,
  'handshake-one-byte-a-second': (seconds) =>
    handshake(seconds, (hello) => [...hello].map((byte) => Buffer.from([byte]))),
  'handshake-truncated': (seconds) => handshake(seconds, (hello) => [hello.subarray(0, hello.length / 2)]),
  header: (bytes) => answers(tls(), `${get}X-Large: ${'x'.repeat(bytes)}\r\n\r\n`),
  body: (bytes) =>
    answers(
      tls(),
      `POST / HTTP/1.1\r\nHost: ${gatewayName}\r\nX-Aggregate-Auth: 1\r\nContent-Type: application/xml\r\n` +
        `Content-Length: ${bytes}\r\n\r\n${'<a>'.repeat(bytes / 3)}`,
    ),
  pipeline: () => answers(tls(), `${get}\r\n${get}\r\n`),
};

const [kind = '', amount = '0'] = process.argv.slice(2);
const attack = kinds[kind];
if (attack === undefined) throw new Error(`unknown attack "${kind}"`);
setTimeout(() => {
  console.log('endless');
  process.exit(1);
}, limitMilliseconds).unref();
console.log(await attack(Number(amount)));
process.exit(0);

/**
 * A client made by hand, for what no honest client sends. Run inside the namespace of a device:
 *
 *     tunnel.ts sign-in USER PASSWORD    prints the cookie of a new session
 *     tunnel.ts connect                  opens one tunnel after the other, as standard input says (JSON, `Attempt[]`),
 *                                        and prints what became of them (JSON, `Outcome[]`)
 */
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { gatewayAddress, gatewayName } from '../network/network.ts';

/** A tunnel to ask for. */
export interface Attempt {
  /** Header lines of CONNECT. */
  headers: readonly string[];
  /** What to send through the tunnel, each as one TLS record, in hexadecimal digits. */
  records: readonly string[];
}

/** What became of a tunnel that was asked for. */
export interface Outcome {
  /** First line of the answer to CONNECT; empty when none came. */
  status: string;
  headers: Record<string, string>;
  /** Whether the gateway closed the connection within `patienceMilliseconds`. */
  closed: boolean;
  /** What came through the tunnel, as hexadecimal digits. */
  received: string;
}

const patienceMilliseconds = 1_000;

async function open(): Promise<TLSSocket> {
  const socket = connectTls({
    host: gatewayAddress,
    port: 443,
    servername: gatewayName,
    rejectUnauthorized: false,
  });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** Reads one answer: its head, and as many bytes of body as it announces. */
async function readAnswer(socket: TLSSocket): Promise<{ head: string; body: string }> {
  let bytes = Buffer.alloc(0);
  for await (const part of socket.iterator({ destroyOnReturn: false })) {
    bytes = Buffer.concat([bytes, part as Buffer]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end === -1) continue;
    const head = bytes.toString('latin1', 0, end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (bytes.length < end + 4 + length) continue;
    return { head, body: bytes.toString('latin1', end + 4, end + 4 + length) };
  }
  return { head: '', body: '' };
}

const cookiesOf = (head: string) => [...head.matchAll(/^set-cookie: ([^;]*)/gim)].map(([, cookie]) => cookie);

function post(path: string, cookies: readonly string[], type: string, content: string): string {
  const body =
    `<?xml version="1.0" encoding="UTF-8"?><config-auth client="vpn" type="${type}">` +
    `<version who="vpn">v9.01</version><device-id>linux-64</device-id>${content}</config-auth>`;
  return [
    `POST ${path} HTTP/1.1`,
    `Host: ${gatewayName}`,
    'X-Aggregate-Auth: 1',
    'X-Transcend-Version: 1',
    ...(cookies.length === 0 ? [] : [`Cookie: ${cookies.join('; ')}`]),
    'Content-Type: application/xml; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

async function signIn(user: string, password: string): Promise<string> {
  const socket = await open();
  socket.write(post('/', [], 'init', ''));
  const form = await readAnswer(socket);
  const opaque = /<opaque[^>]*>[\s\S]*<\/opaque>/.exec(form.body)?.[0] ?? '';
  const reply = `${opaque}<auth><username>${user}</username><password>${password}</password></auth>`;
  socket.write(post('/auth', cookiesOf(form.head) as string[], 'auth-reply', reply));
  const answer = await readAnswer(socket);
  socket.destroy();
  const cookie = cookiesOf(answer.head).find((one) => one?.startsWith('webvpn='));
  if (cookie === undefined) throw new Error(`no cookie: ${answer.head}\n${answer.body}`);
  return cookie;
}

async function connectTunnel({ headers, records }: Attempt): Promise<Outcome> {
  const socket = await open();
  const request = ['CONNECT /CSCOSSLC/tunnel HTTP/1.1', `Host: ${gatewayName}`, 'X-CSTP-Version: 1'];
  socket.write(`${[...request, 'X-CSTP-Address-Type: IPv6,IPv4', ...headers].join('\r\n')}\r\n\r\n`);
  const { head } = await readAnswer(socket);
  const [status = '', ...lines] = head.split('\r\n');
  const received: Buffer[] = [];
  socket.on('data', (part: Buffer) => received.push(part));
  const closed = once(socket, 'close').then(() => true);
  for (const record of records) {
    // One write is one record.
    await new Promise<void>((resolve) => socket.write(record, 'hex', () => resolve()));
    await sleep(5);
  }
  const outcome = {
    status,
    headers: Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    ),
    closed: await Promise.race([closed, sleep(patienceMilliseconds).then(() => false)]),
    received: Buffer.concat(received).toString('hex'),
  };
  socket.destroy();
  return outcome;
}

if (import.meta.main) {
  const [action, ...words] = process.argv.slice(2);
  if (action === 'sign-in') {
    console.log(await signIn(words[0] ?? '', words[1] ?? ''));
  } else {
    const outcomes: Outcome[] = [];
    for (const attempt of JSON.parse(await text(process.stdin)) as Attempt[]) {
      outcomes.push(await connectTunnel(attempt));
    }
    console.log(JSON.stringify(outcomes));
  }
  process.exit(0);
}

import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { rootCertificates, TLSSocket } from 'node:tls';
import { describePlace, dial, openConnection } from '@culvert/control-plane-client/dial.ts';
import { reasonOf, Unreachable } from '@culvert/control-plane-client/failures.ts';
import { type HttpProxy, withoutBrackets } from '@culvert/control-plane-client/proxy.ts';
import type { Answer, Attempt, FailureReason, Trial } from './attempt.ts';
import { portOf, type Target } from './target.ts';

/** Milliseconds for each step of an attempt, so that the whole stays below the limit of a check. */
const stepMilliseconds = 3_000;
const answerMilliseconds = 3_000;
/** Bytes of an answer that are read. */
const mostBytes = 64 << 10;
/** Addresses of a name that are tried. */
const mostAddresses = 8;

/** Tries a target: each of its addresses, or the proxy. Never rejects for what the network does. */
export async function tryTarget(target: Target, proxy: HttpProxy | undefined): Promise<Trial> {
  if (proxy !== undefined) {
    const way = { way: `proxy ${describePlace(proxy)}`, family: 'proxy' } as const;
    return { kind: 'tried', attempts: [await attempt(target, way, { proxy })] };
  }
  const host = withoutBrackets(target.url.hostname);
  const found = await resolve(host);
  if (typeof found === 'string') return { kind: 'unresolved', reason: found };
  const attempts = await Promise.all(
    found.map((address) => {
      const way = { way: address, family: isIP(address) === 6 ? 6 : 4 } as const;
      return attempt(target, way, { address });
    }),
  );
  return { kind: 'tried', attempts };
}

/** Every address of a name, as programs of this host see it. */
async function resolve(host: string): Promise<string[] | 'unknownName' | 'noNameServer'> {
  if (isIP(host) !== 0) return [host];
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map(({ address }) => address))].slice(0, mostAddresses);
  } catch (error) {
    return reasonOf(error as NodeJS.ErrnoException) === 'noNameServer' ? 'noNameServer' : 'unknownName';
  }
}

type Way = Pick<Attempt, 'way' | 'family'>;
interface Through {
  proxy?: HttpProxy;
  address?: string;
}

async function attempt(target: Target, way: Way, through: Through): Promise<Attempt> {
  const startedAt = performance.now();
  const done = (outcome: Attempt['outcome']): Attempt => ({
    ...way,
    milliseconds: Math.round(performance.now() - startedAt),
    outcome,
  });
  try {
    return done({ kind: 'answered', answer: await exchange(target, through) });
  } catch (error) {
    if (error instanceof Unreachable) return done({ kind: 'failed', reason: error.reason });
    if (error instanceof NoAnswer) return done({ kind: 'failed', reason: error.reason });
    throw error;
  }
}

/** There was a connection and no answer over it. */
class NoAnswer extends Error {
  readonly reason: FailureReason;

  constructor(reason: FailureReason) {
    super(reason);
    this.reason = reason;
  }
}

async function exchange(target: Target, { proxy, address }: Through): Promise<Answer> {
  const { url, clientCertificate } = target;
  const place = { host: withoutBrackets(url.hostname), port: portOf(url) };
  const options = { stepMilliseconds, ...(address === undefined ? {} : { address }) };
  if (url.protocol === 'http:') {
    // Proxies take plain HTTP as a whole address, and refuse CONNECT to its port.
    const socket = await openConnection(proxy ?? place, undefined, options);
    return readAnswer(target, socket, proxy === undefined ? pathOf(url) : url.href);
  }
  const ca = [...(target.authorities ?? rootCertificates)];
  const socket = await dial(place, proxy, { ca, ...clientCertificate }, options);
  return readAnswer(target, socket, pathOf(url));
}

function pathOf({ pathname, search }: URL): string {
  return `${pathname}${search}`;
}

async function readAnswer(target: Target, socket: Socket | TLSSocket, path: string): Promise<Answer> {
  const ofTls = socket instanceof TLSSocket ? describeTls(socket) : {};
  const response = await ask(socket, target.url.host, path);
  const receivedAt = Date.now();
  const body = await readBody(response);
  socket.destroy();
  const { location, date } = response.headers;
  const remote = Date.parse(date ?? '');
  const isDistrusted = ofTls.certificate?.distrust !== undefined;
  const complaint = isDistrusted ? undefined : target.examine?.(body);
  return {
    status: response.statusCode ?? 0,
    ...ofTls,
    ...(location === undefined ? {} : { location }),
    ...(Number.isNaN(remote) ? {} : { secondsAhead: Math.round((receivedAt - remote) / 1000) }),
    ...(complaint === undefined ? {} : { complaint }),
  };
}

function describeTls(socket: TLSSocket): Pick<Answer, 'tlsVersion' | 'certificate'> {
  const certificate = socket.getPeerX509Certificate();
  const tlsVersion = socket.getProtocol() ?? 'TLS';
  if (certificate === undefined) return { tlsVersion };
  const { issuer, subject } = certificate;
  const distrust = socket.authorized ? {} : { distrust: String(socket.authorizationError) };
  return { tlsVersion, certificate: { issuer: oneLine(issuer), subject: oneLine(subject), ...distrust } };
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ').slice(0, 200);
}

function ask(socket: Socket, host: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (reason: FailureReason) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new NoAnswer(reason));
    };
    const timer = setTimeout(() => fail('noAnswer'), answerMilliseconds);
    const sent = request({
      createConnection: () => socket,
      path,
      headers: { host, accept: '*/*', connection: 'close' },
    });
    sent.once('error', (error) => fail(reasonOf(error) === 'other' ? 'noAnswer' : reasonOf(error)));
    sent.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    sent.end();
  });
}

/** The beginning of a body; one that breaks off counts as far as it came. */
async function readBody(response: IncomingMessage): Promise<string> {
  let text = '';
  const timer = setTimeout(() => response.destroy(), answerMilliseconds);
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > mostBytes) break;
    }
  } catch {
    // The status has arrived, and what the body says is judged by its content.
  } finally {
    clearTimeout(timer);
  }
  return text;
}

import { request } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { explainSocketError, reasonOf, Unreachable } from './failures.ts';
import type { HttpProxy } from './proxy.ts';

export interface DialOptions {
  /** The address to connect to, where the name has several and each is tried; a proxy chooses by itself. */
  address?: string;
  /** For each step: to connect, to be let through by the proxy, to shake hands. */
  stepMilliseconds?: number;
}

const usualStepMilliseconds = 10_000;

export interface Place {
  host: string;
  port: number;
}

export function describePlace({ host, port }: Place): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Opens a TLS connection, through a proxy where there is one. Whom it leads to has not been judged: look at `authorized`
 * before anything is sent. Rejects with Unreachable.
 */
export async function dial(
  place: Place,
  proxy: HttpProxy | undefined,
  tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>,
  options: DialOptions = {},
): Promise<TLSSocket> {
  const socket = await openConnection(place, proxy, options);
  return secure(socket, place, tls, options);
}

/** Opens a TCP connection, through a proxy where there is one. Rejects with Unreachable. */
export function openConnection(
  place: Place,
  proxy: HttpProxy | undefined,
  options: DialOptions = {},
): Promise<Socket> {
  return proxy === undefined ? connectDirectly(place, options) : connectThrough(place, proxy, options);
}

function connectDirectly({ host, port }: Place, { address, ...options }: DialOptions): Promise<Socket> {
  const socket = connect({ host: address ?? host, port });
  socket.setNoDelay(true);
  const name = describePlace({ host, port });
  return inTime(socket, name, options, (resolve) => socket.once('connect', () => resolve(socket)));
}

/** `CONNECT` of RFC 9110 §9.3.6. */
function connectThrough(place: Place, proxy: HttpProxy, options: DialOptions): Promise<Socket> {
  const target = describePlace(place);
  const name = `the proxy ${describePlace(proxy)}`;
  const sent = request({
    ...proxy,
    method: 'CONNECT',
    path: target,
    headers: { host: target },
    agent: false,
  });
  sent.end();
  return inTime(sent, name, options, (resolve, reject) => {
    const answered = (status: number | undefined, socket: Socket) => {
      if (status === 200) return resolve(socket);
      socket.destroy();
      const reason = status === 407 ? 'proxyWantsPassword' : 'proxyRefuses';
      reject(new Unreachable(explainProxyAnswer(status, name, target), reason));
    };
    sent.once('connect', ({ statusCode }, socket) => answered(statusCode, socket as Socket));
    sent.once('response', ({ statusCode, socket }) => answered(statusCode, socket));
  });
}

function explainProxyAnswer(status: number | undefined, proxy: string, target: string): string {
  if (status === 407) {
    return `${proxy} asks for a name and a password (407); proxies with authentication are not supported: let this server through to ${target} without`;
  }
  return `${proxy} refuses to connect to ${target} (status ${status}): allow that address in its rules`;
}

function secure(
  socket: Socket,
  place: Place,
  tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>,
  options: DialOptions,
): Promise<TLSSocket> {
  const secured = connectTls({
    ...tls,
    socket,
    host: place.host,
    ...(isIP(place.host) === 0 ? { servername: place.host } : {}),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    // Judged by the caller, who tells whose certificate it is.
    rejectUnauthorized: false,
  });
  socket.on('error', (error) => secured.destroy(error));
  // A handshake that failed leaves the connection below it open.
  secured.once('close', () => socket.destroy());
  return inTime(secured, describePlace(place), options, (resolve) =>
    secured.once('secureConnect', () => resolve(secured)),
  );
}

interface Opening {
  once(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  off(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  destroy(error?: Error): unknown;
}

/** Resolves when `begin` does; destroys what was being opened when that fails or takes too long. */
function inTime<Result>(
  opening: Opening,
  name: string,
  { stepMilliseconds = usualStepMilliseconds }: DialOptions,
  begin: (resolve: (result: Result) => void, reject: (error: Error) => void) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) =>
      finish(() => reject(new Unreachable(explain(error, name), reasonOf(error))));
    const timer = setTimeout(
      () => opening.destroy(Object.assign(new Error('too late'), { code: 'ETIMEDOUT' })),
      stepMilliseconds,
    );
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      opening.off('error', fail);
      settle();
    };
    opening.once('error', fail);
    begin(
      (result) => finish(() => resolve(result)),
      (error) => finish(() => reject(error)),
    );
  });
}

function explain(error: NodeJS.ErrnoException, place: string): string {
  if (error.code?.startsWith('ERR_SSL') === true)
    return `${place} does not speak TLS as a control plane does (${error.code}): check the address and the port`;
  return explainSocketError(error, place);
}

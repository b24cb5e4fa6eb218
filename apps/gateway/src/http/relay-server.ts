import { chmodSync, chownSync, rmSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Device } from './device.ts';
import { maximumHeaderLength, readProxyHeader } from './proxy-protocol.ts';

/** Limits of everything that a device may do before it has a tunnel (protocol.md §7.1). */
export const limits = {
  headerBytes: 16 * 1024,
  bodyBytes: 64 * 1024,
  requestsPerConnection: 32,
  connections: 16_384,
  proxyHeaderMilliseconds: 10_000,
  headersMilliseconds: 10_000,
  /** Header and body together. */
  requestMilliseconds: 20_000,
  idleMilliseconds: 60_000,
};
export type Limits = Readonly<typeof limits>;

/** Group of the engine's process; the engine connects to the socket. */
const engineGroup = 61_443;

/** How often connections are looked for that have become idle in a server that takes no more. */
const idleLookMilliseconds = 20;

/** A connection whose CONNECT has arrived; its socket belongs to the handler. */
export type ConnectHandler = (request: IncomingMessage, socket: Duplex, device: Device) => void;

interface Connection {
  device: Device;
  /** A request is being answered; a second one now is pipelined. */
  busy: boolean;
  requests: number;
}

/**
 * The HTTP server behind the engine's relay socket: each connection begins with a PROXY header, then come the
 * device's bytes. Node's own server enforces the deadlines; this class adds one request at a time.
 */
export class RelayServer {
  readonly server: Server;
  readonly #connections = new WeakMap<object, Connection>();
  /** Sockets that have not sent their PROXY header yet and that the HTTP server does not know. */
  readonly #greeting = new Set<Socket>();
  /** Sockets whose CONNECT has arrived; the HTTP server does not know them any more. */
  readonly #connecting = new Set<Duplex>();
  #path: string | undefined;
  readonly #onConnect: ConnectHandler;
  readonly #limits: Limits;
  badRequests = 0;

  constructor(onRequest: RequestListener, onConnect: ConnectHandler, bounds: Limits = limits) {
    this.#onConnect = onConnect;
    this.#limits = bounds;
    this.server = createServer(
      {
        maxHeaderSize: bounds.headerBytes,
        headersTimeout: bounds.headersMilliseconds,
        requestTimeout: bounds.requestMilliseconds,
        keepAliveTimeout: bounds.idleMilliseconds,
        connectionsCheckingInterval: Math.min(1000, bounds.headersMilliseconds / 2),
        insecureHTTPParser: false,
      },
      (request, response) => this.#request(request, response, onRequest),
    );
    this.server.maxRequestsPerSocket = bounds.requestsPerConnection;
    this.server.maxConnections = bounds.connections;
    this.server.on('connect', (request, socket, head) => this.#connect(request, socket, head));
    this.server.on('clientError', (error, socket) => this.#clientError(error, socket));
    // Node's handler of new connections starts after the PROXY header instead of at once.
    const serve = this.server.listeners('connection');
    this.server.removeAllListeners('connection');
    this.server.on('connection', (socket: Socket) => {
      this.#greet(socket, () => {
        for (const listener of serve) listener.call(this.server, socket);
      });
    });
  }

  /** Listens on a unix socket, in place of one that a killed process left. */
  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    this.#path = path;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ path, backlog: 4096 }, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    if (process.getuid?.() === 0) chownSync(path, 0, engineGroup);
    chmodSync(path, 0o660);
  }

  /** Takes no new connection and resolves when all requests under way are answered, or were cut off after this time. */
  async finish(milliseconds: number): Promise<void> {
    // Without the name nobody connects any more; whoever has connected is accepted in the next turns of the loop.
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
    await nextTurn();
    await nextTurn();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const idle = setInterval(() => this.server.closeIdleConnections(), idleLookMilliseconds);
    const late = setTimeout(() => {
      for (const socket of [...this.#greeting, ...this.#connecting]) socket.destroy();
      this.server.closeAllConnections();
    }, milliseconds);
    await closed;
    clearInterval(idle);
    clearTimeout(late);
  }

  async close(): Promise<void> {
    for (const socket of this.#greeting) socket.destroy();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  /** The device at the far end of a request. */
  device(request: IncomingMessage): Device | undefined {
    return this.#connections.get(request.socket)?.device;
  }

  #greet(socket: Socket, serve: () => void): void {
    let received: Buffer = Buffer.alloc(0);
    const abandon = () => socket.destroy();
    const timer = setTimeout(abandon, this.#limits.proxyHeaderMilliseconds);
    const finish = () => {
      clearTimeout(timer);
      this.#greeting.delete(socket);
      socket.off('readable', read);
      socket.off('error', abandon);
      socket.off('end', abandon);
      socket.off('close', finish);
    };
    const read = () => {
      // One read takes everything that has arrived; what is not header goes back below.
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return;
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const header = readProxyHeader(received);
      if (header.kind === 'more') {
        if (received.length > maximumHeaderLength) abandon();
        return;
      }
      finish();
      if (header.kind === 'refused') {
        this.badRequests += 1;
        socket.destroy();
        return;
      }
      this.#connections.set(socket, { device: header.device, busy: false, requests: 0 });
      const rest = received.subarray(header.length);
      serve();
      if (rest.length > 0) socket.unshift(rest);
    };
    this.#greeting.add(socket);
    socket.on('readable', read);
    socket.on('error', abandon);
    socket.on('end', abandon);
    socket.on('close', finish);
  }

  #request(request: IncomingMessage, response: ServerResponse, onRequest: RequestListener): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined || connection.busy) {
      this.badRequests += 1;
      request.socket.destroy();
      return;
    }
    connection.busy = true;
    connection.requests += 1;
    response.on('close', () => {
      connection.busy = false;
    });
    // Probes compare answers: no header may change from one to the next.
    response.sendDate = false;
    onRequest(request, response);
  }

  #connect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = this.#connections.get(socket);
    socket.on('error', () => socket.destroy());
    // Bytes behind CONNECT come from a client that does not wait for its answer.
    if (connection === undefined || connection.busy || head.length > 0) {
      this.badRequests += 1;
      socket.destroy();
      return;
    }
    if (connection.requests >= this.#limits.requestsPerConnection) {
      socket.destroy();
      return;
    }
    connection.busy = true;
    this.#connecting.add(socket);
    socket.on('close', () => this.#connecting.delete(socket));
    this.#onConnect(request, socket, connection.device);
  }

  #clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    this.badRequests += 1;
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const status =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  }
}

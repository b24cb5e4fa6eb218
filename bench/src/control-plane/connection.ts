import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import type { Access } from '@culvert/lab/control-plane/control-plane.ts';

/** What came back. */
export interface Answer {
  status: number;
  body: Buffer;
}

/** Where the requests go and what they carry. */
export type Target = Pick<Access, 'host' | 'port' | 'authority' | 'token'>;

const headEnd = '\r\n\r\n';

/**
 * One HTTPS connection that is kept, with one request at a time. It reads only what our answers have (a length, no chunks), so
 * that the client, which shares the two cores with what it measures, costs little.
 */
export class Connection {
  readonly #socket: TLSSocket;
  readonly #headers: string;
  #received: Buffer[] = [];
  #size = 0;
  #awaited:
    | { expected: number; resolve: (answer: Answer) => void; reject: (error: Error) => void }
    | undefined;

  private constructor(socket: TLSSocket, { host, token }: Target) {
    this.#socket = socket;
    this.#headers = `HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n`;
    socket.on('data', (piece: Buffer) => this.#take(piece));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  static async open(target: Target): Promise<Connection> {
    const { host, port, authority } = target;
    const socket = connect({ host, port, ca: authority, servername: host });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    return new Connection(socket, target);
  }

  get(path: string): Promise<Answer> {
    return this.#send(`GET ${path} ${this.#headers}\r\n`);
  }

  post(path: string, body: unknown): Promise<Answer> {
    const text = JSON.stringify(body);
    const length = Buffer.byteLength(text);
    return this.#send(
      `POST ${path} ${this.#headers}content-type: application/json\r\ncontent-length: ${length}\r\n\r\n${text}`,
    );
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #send(text: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#awaited = { expected: Number.POSITIVE_INFINITY, resolve, reject };
      this.#socket.write(text);
    });
  }

  #take(piece: Buffer): void {
    const awaited = this.#awaited;
    if (awaited === undefined) throw new Error('an answer that nobody asked for');
    this.#received.push(piece);
    this.#size += piece.length;
    if (awaited.expected === Number.POSITIVE_INFINITY) {
      const head = this.#head();
      if (head === undefined) return;
      const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
      awaited.expected = head.length + headEnd.length + Number(length ?? 0);
    }
    if (this.#size < awaited.expected) return;
    const whole = Buffer.concat(this.#received);
    this.#received = [];
    this.#size = 0;
    this.#awaited = undefined;
    const status = Number(whole.toString('latin1', 9, 12));
    awaited.resolve({ status, body: whole.subarray(whole.indexOf(headEnd) + headEnd.length) });
  }

  #head(): string | undefined {
    const [first] = this.#received;
    const text =
      (this.#received.length === 1 ? first : Buffer.concat(this.#received))?.toString('latin1', 0, 4_096) ??
      '';
    const end = text.indexOf(headEnd);
    return end === -1 ? undefined : text.slice(0, end);
  }

  #fail(error: Error): void {
    this.#awaited?.reject(error);
    this.#awaited = undefined;
  }
}

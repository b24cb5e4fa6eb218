import { connect, type Socket } from 'node:net';
import {
  type EngineEvent,
  type EngineRequest,
  engineEventSchema,
  engineProtocolVersion,
} from '@culvert/contracts';
import { EngineError, EngineRefusal, type SessionEvent } from './engine.ts';
import { encodeLine, LineDecoder } from './line-codec.ts';

export type Hello = Extract<EngineEvent, { type: 'hello' }>;
type Result = Extract<EngineEvent, { type: 'result' }>;
type Success = Extract<Result, { ok: true }>;

type WithoutId<Request> = Request extends unknown ? Omit<Request, 'id'> : never;
/** A request before the connection gave it its number. */
export type EngineCommand = WithoutId<EngineRequest>;

export interface ConnectionListener {
  onEvent(event: SessionEvent): void;
  /** The connection is over; told once, and not when opening failed. */
  onClose(reason: string): void;
}

/** The engine at this socket speaks another version of the control protocol. */
export class EngineVersionError extends EngineError {
  readonly processId: number;

  constructor(hello: Hello) {
    super(
      `the engine that runs (version ${hello.engineVersion}, process ${hello.pid}) speaks control protocol ` +
        `${hello.protocol}, this gateway speaks ${engineProtocolVersion}: its tunnels cannot be taken over. ` +
        `Stop it with "kill ${hello.pid}", which ends its tunnels, and start the gateway again`,
    );
    this.processId = hello.pid;
  }
}

const helloTimeout = 3000;
/** An engine that is alive answers in milliseconds; one that does not must not hold a sign-in for ever. */
const answerTimeout = 15_000;

/** One connection to a living engine. */
export class EngineConnection {
  readonly hello: Hello;
  readonly #socket: Socket;
  readonly #pending: Map<number, PromiseWithResolvers<Success>>;
  #nextId = 1;
  #closed: string | undefined;

  private constructor(socket: Socket, hello: Hello, pending: Map<number, PromiseWithResolvers<Success>>) {
    this.#socket = socket;
    this.hello = hello;
    this.#pending = pending;
  }

  /** Connects and waits for the engine's first line. Rejects with the system's error when nobody listens. */
  static open(path: string, listener: ConnectionListener): Promise<EngineConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      const decoder = new LineDecoder();
      const pending = new Map<number, PromiseWithResolvers<Success>>();
      let connection: EngineConnection | undefined;
      let reason = 'the engine closed the control connection';

      const give = (message: string) => {
        reason = message;
        socket.destroy();
      };
      const timer = setTimeout(() => give(`the engine at ${path} does not say hello`), helloTimeout);

      const accept = (event: EngineEvent) => {
        if (connection === undefined) {
          if (event.type !== 'hello') return give('the first line of the engine is not a hello');
          clearTimeout(timer);
          if (event.protocol !== engineProtocolVersion) {
            reject(new EngineVersionError(event));
            socket.destroy();
            return;
          }
          connection = new EngineConnection(socket, event, pending);
          resolve(connection);
        } else if (event.type === 'result') settle(pending, event);
        else if (event.type !== 'hello') listener.onEvent(event);
      };

      socket.on('data', (chunk: Buffer) => {
        try {
          for (const line of decoder.push(chunk)) {
            if (socket.destroyed) return;
            accept(engineEventSchema.parse(JSON.parse(line)));
          }
        } catch (error) {
          give(`the engine sent what the gateway does not understand: ${firstLine(error)}`);
        }
      });
      socket.on('error', (error) => {
        reason = error.message;
        if (connection === undefined) reject(error);
      });
      socket.on('close', () => {
        clearTimeout(timer);
        if (connection === undefined) reject(new EngineError(reason));
        else connection.#end(reason, listener);
      });
    });
  }

  /** Sends a request and waits for its result; rejects with an `EngineError`. */
  async request(command: EngineCommand): Promise<Success> {
    if (this.#closed !== undefined) throw new EngineError(this.#closed);
    const id = this.#nextId++;
    const answer = Promise.withResolvers<Success>();
    this.#pending.set(id, answer);
    const timer = setTimeout(() => {
      this.#pending.delete(id);
      answer.reject(
        new EngineError(`the engine did not answer ${command.type} in ${answerTimeout / 1000} seconds`),
      );
    }, answerTimeout);
    try {
      this.#socket.write(encodeLine({ ...command, id }));
      return await answer.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(reason: string, listener: ConnectionListener): void {
    this.#closed = reason;
    for (const { reject } of this.#pending.values()) reject(new EngineError(reason));
    this.#pending.clear();
    listener.onClose(reason);
  }
}

function settle(pending: Map<number, PromiseWithResolvers<Success>>, result: Result): void {
  const answer = pending.get(result.id);
  // The answer to a request that was given up.
  if (answer === undefined) return;
  pending.delete(result.id);
  if (result.ok) answer.resolve(result);
  else answer.reject(new EngineRefusal(result.error));
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').slice(0, 300);
}

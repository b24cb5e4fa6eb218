import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttachedSession } from '@culvert/contracts';
import type { Logger } from 'pino';
import { type EngineCommand, EngineConnection } from './connection.ts';
import {
  type Attachment,
  type Engine,
  type EngineConfiguration,
  EngineError,
  type SessionEvent,
} from './engine.ts';
import { type EngineProcess, startEngine } from './process.ts';

export interface EngineSupervisorOptions {
  binary: string;
  runtimeDirectory: string;
  logDirectory: string;
  logger: Logger;
  /** What a fresh engine is configured with; asked each time, because a reload may change it. */
  configuration: () => EngineConfiguration;
  onEvent: (event: SessionEvent) => void;
  /** After each connection to a configured engine; awaited before the engine counts as ready. */
  onReady: () => Promise<void>;
  /** The connection to a ready engine is gone; `onReady` follows when there is one again. */
  onLost: () => void;
}

/** A new engine has its socket within milliseconds; this is for a machine under full load. */
const startPatience = 5000;
const connectRetry = 20;
/** First and longest wait after an engine that would not start: at once is a second, for ever costs nothing. */
const retry = { first: 100, longest: 5000 };

/**
 * Keeps an engine alive and configured. A living engine of an earlier gateway is taken over with its tunnels;
 * one that dies is started and configured again.
 */
export class EngineSupervisor implements Engine {
  readonly #options: EngineSupervisorOptions;
  readonly #socket: string;
  #connection: EngineConnection | undefined;
  /** Events that came right behind the engine's hello, when what they lead to could not be answered yet. */
  #early: SessionEvent[] = [];
  #stopping = false;
  #foundRunning = false;
  #started = false;
  #loop: Promise<void> | undefined;
  readonly #abort = new AbortController();

  constructor(options: EngineSupervisorOptions) {
    this.#options = options;
    this.#socket = join(options.runtimeDirectory, 'engine.sock');
  }

  /** Finds or starts the engine; rejects when that fails, so that the gateway's start tells why. */
  async start(): Promise<void> {
    this.#loop = this.#keepAlive(await this.#establish());
  }

  /** `end` shuts the engine down with its tunnels; otherwise it goes on and waits for the next gateway. */
  async stop({ end }: { end: boolean }): Promise<void> {
    this.#stopping = true;
    this.#abort.abort();
    const connection = this.#connection;
    if (end && connection !== undefined) {
      // The engine may be gone before its answer is.
      await connection.request({ type: 'shutdown' }).catch(() => {});
      // The next gateway wants the port at once.
      await untilGone(connection.hello.pid);
      await rm(this.#socket, { force: true });
    }
    connection?.close();
    await this.#loop;
  }

  /** True when an engine was there before this gateway; it may hold tunnels, whatever version it speaks. */
  get foundRunning(): boolean {
    return this.#foundRunning;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  async configure(configuration: EngineConfiguration): Promise<void> {
    await this.#request({ type: 'configure', ...configuration });
  }

  async attach(attachment: Attachment): Promise<void> {
    await this.#request({ type: 'attach', ...attachment });
  }

  async detach(session: string, message: string): Promise<void> {
    await this.#request({ type: 'detach', session, message });
  }

  async list(): Promise<AttachedSession[]> {
    const { sessions } = await this.#request({ type: 'list' });
    if (sessions === undefined) throw new EngineError('the answer to list holds no sessions');
    return sessions;
  }

  async status(): Promise<Record<string, number>> {
    const { status } = await this.#request({ type: 'status' });
    if (status === undefined) throw new EngineError('the answer to status holds no counters');
    return status;
  }

  async acknowledge(session: string): Promise<void> {
    await this.#request({ type: 'acknowledge', session });
  }

  #event(event: SessionEvent): void {
    if (this.#connection === undefined) this.#early.push(event);
    else this.#options.onEvent(event);
  }

  #request(command: EngineCommand) {
    const session = 'session' in command ? command.session : undefined;
    this.#options.logger.debug({ request: command.type, session }, 'asking the engine');
    if (this.#connection === undefined) return Promise.reject(new EngineError('the engine is away'));
    return this.#connection.request(command);
  }

  async #keepAlive(first: Established): Promise<void> {
    let established: Established | undefined = first;
    while (established !== undefined) {
      const reason = await established.lost;
      if (this.#stopping) return;
      this.#options.logger.error({ reason }, 'the connection to the engine is lost');
      this.#options.onLost();
      established = await this.#establishAtLast();
    }
  }

  async #establishAtLast(): Promise<Established | undefined> {
    for (let wait = retry.first; !this.#stopping; wait = Math.min(wait * 2, retry.longest)) {
      try {
        return await this.#establish();
      } catch (error) {
        if (this.#stopping) return undefined;
        this.#options.logger.error({ reason: messageOf(error) }, 'the engine is not available');
        await sleep(wait, undefined, { signal: this.#abort.signal }).catch(() => {});
      }
    }
    return undefined;
  }

  /** Connects to an engine, configures it and makes it the one that requests go to. */
  async #establish(): Promise<Established> {
    const { promise: lost, resolve } = Promise.withResolvers<string>();
    this.#early = [];
    let reached: EngineConnection | undefined;
    const connection = await this.#reach((reason) => {
      // A connection that was given up may close long after the next one is in use.
      if (this.#connection === reached) this.#connection = undefined;
      resolve(reason);
    });
    reached = connection;
    const { hello } = connection;
    const found = { pid: hello.pid, version: hello.engineVersion, tookOver: hello.configured };
    this.#options.logger.info(
      found,
      hello.configured ? 'found a running engine' : 'connected to a new engine',
    );
    try {
      this.#connection = connection;
      for (const event of this.#early.splice(0)) this.#options.onEvent(event);
      await this.#configureFound(connection);
      await this.#options.onReady();
    } catch (error) {
      this.#connection = undefined;
      // A fresh engine holds no tunnels; left alone it would only keep the port.
      if (!hello.configured) await connection.request({ type: 'shutdown' }).catch(() => {});
      connection.close();
      throw error;
    }
    return { lost };
  }

  /** A configured engine gets the configuration too: the file may have changed while no gateway ran. */
  async #configureFound(connection: EngineConnection): Promise<void> {
    try {
      await this.configure(this.#options.configuration());
    } catch (error) {
      if (!connection.hello.configured) throw error;
      this.#options.logger.warn(
        { reason: messageOf(error) },
        'the running engine keeps the configuration that it has; stop the gateway to apply the new one',
      );
    }
  }

  async #reach(onClose: (reason: string) => void): Promise<EngineConnection> {
    // Counted as found until it is known that nobody listens: an error may come from an engine of another version.
    this.#foundRunning = !this.#started;
    const found = await this.#tryConnect(onClose);
    if (found !== undefined) return found;
    this.#foundRunning = false;
    this.#started = true;
    const engine = await startEngine(this.#options);
    return this.#awaitSocket(engine, onClose);
  }

  async #awaitSocket(engine: EngineProcess, onClose: (reason: string) => void): Promise<EngineConnection> {
    let ended: string | undefined;
    void engine.ended.then((how) => {
      ended = how;
    });
    const deadline = Date.now() + startPatience;
    while (Date.now() < deadline) {
      const connection = await this.#tryConnect(onClose);
      if (connection !== undefined) return connection;
      if (ended !== undefined) {
        throw new EngineError(
          `the engine ${ended}; ${join(this.#options.logDirectory, 'engine.log')} tells why`,
        );
      }
      await sleep(connectRetry);
    }
    throw new EngineError(
      `the engine (process ${engine.pid}) made no socket at ${this.#socket} in ${startPatience} ms`,
    );
  }

  /** Undefined when no engine listens at the socket. */
  async #tryConnect(onClose: (reason: string) => void): Promise<EngineConnection | undefined> {
    try {
      const onEvent = (event: SessionEvent) => this.#event(event);
      return await EngineConnection.open(this.#socket, { onEvent, onClose });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
      throw error;
    }
  }
}

const endPatience = 3000;

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + endPatience;
  while (Date.now() < deadline) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(connectRetry);
  }
}

interface Established {
  /** Resolves with the reason when this connection is over. */
  lost: Promise<string>;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

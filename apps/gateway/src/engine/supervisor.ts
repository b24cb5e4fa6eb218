import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttachedSession } from '@culvert/contracts';
import type { Logger } from 'pino';
import { type EngineCommand, EngineConnection, EngineVersionError } from './connection.ts';
import {
  type Attachment,
  type Engine,
  type EngineConfiguration,
  EngineError,
  type SessionEvent,
} from './engine.ts';
import { type EngineProcess, startEngine } from './process.ts';
import { programDigest, runningProgramDigest } from './program-digest.ts';

export interface EngineSupervisorOptions {
  binary: string;
  runtimeDirectory: string;
  logDirectory: string;
  logger: Logger;
  /** Ends an engine that speaks another control protocol, with its tunnels, instead of refusing to start beside it. */
  replaceForeign?: boolean;
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
  /** Until then an engine that was told to end keeps port and tunnel interface. */
  #leaving: Promise<void> = Promise.resolve();
  #established = Promise.withResolvers<void>();
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

  /** The engine that is connected, as it introduced itself. */
  get running(): { version: string; processId: number } | undefined {
    const hello = this.#connection?.hello;
    return hello === undefined ? undefined : { version: hello.engineVersion, processId: hello.pid };
  }

  /**
   * Ends an engine that is not the program of this gateway and starts that program in its place. Nothing is said to devices:
   * they see their connections closed and come back with their cookies. Resolves to false when the program runs already.
   */
  async replace(): Promise<boolean> {
    const connection = this.#connection;
    if (connection === undefined) throw new EngineError('the engine is away');
    const { pid } = connection.hello;
    const [before, wanted] = await Promise.all([
      runningProgramDigest(pid),
      programDigest(this.#options.binary),
    ]);
    if (before === wanted) return false;
    this.#options.logger.info(
      { pid, before, wanted },
      'the engine is replaced; devices come back by themselves',
    );
    this.#established = Promise.withResolvers();
    const gone = Promise.withResolvers<void>();
    this.#leaving = gone.promise;
    // The engine may be gone before its answer is.
    await connection.request({ type: 'shutdown' }).catch(() => {});
    await ensureGone(pid);
    gone.resolve();
    await withinTime(this.#established.promise, replacePatience);
    return true;
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
      await this.#leaving;
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
      this.#established.resolve();
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
    const found = await this.#tryConnect(onClose).catch((error: unknown) => this.#endForeign(error));
    if (found !== undefined) return found;
    this.#foundRunning = false;
    this.#started = true;
    const engine = await startEngine(this.#options);
    return this.#awaitSocket(engine, onClose);
  }

  async #endForeign(error: unknown): Promise<undefined> {
    if (!(error instanceof EngineVersionError) || this.#options.replaceForeign !== true) throw error;
    const { processId } = error;
    this.#options.logger.warn(
      { processId },
      'an engine of another control protocol is ended; devices come back',
    );
    process.kill(processId, 'SIGTERM');
    await ensureGone(processId);
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
  while (Date.now() < deadline && (await isAlive(pid))) await sleep(connectRetry);
}

/** False also for a process that has ended and that its parent has not asked after: it holds nothing any more. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is a name in parentheses that may hold blanks; the state comes behind it (proc(5)).
  return stat !== undefined && stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
}

/** An engine of another version that does not end by itself would keep the port for ever. */
async function ensureGone(pid: number): Promise<void> {
  await untilGone(pid);
  if (!(await isAlive(pid))) return;
  process.kill(pid, 'SIGKILL');
  await untilGone(pid);
}

/** The next engine starts, is configured and compared with. */
const replacePatience = 20_000;

async function withinTime(promise: Promise<void>, milliseconds: number): Promise<void> {
  const abort = new AbortController();
  const late = sleep(milliseconds, true, { signal: abort.signal, ref: false }).catch(() => false);
  const isLate = await Promise.race([promise.then(() => false), late]);
  abort.abort();
  if (isLate) throw new EngineError(`no engine was ready within ${milliseconds / 1000} seconds`);
}

interface Established {
  /** Resolves with the reason when this connection is over. */
  lost: Promise<string>;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

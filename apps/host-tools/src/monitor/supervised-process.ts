import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MonitoredProcess, MonitorStatus } from '@culvert/contracts';
import { type BackOffRule, backOffRule, delayAfter } from './back-off.ts';
import type { Logger } from './logger.ts';
import { identify, isRunning, type ProcessIdentity, signalProcess } from './process-identity.ts';
import type { ProcessRecord, ProcessRecords } from './process-records.ts';

/** How a process is started. */
export interface Launch {
  /** The release that it belongs to. */
  version: string;
  command: readonly string[];
  directory: string;
  environment: NodeJS.ProcessEnv;
}

export interface SupervisedProcessOptions {
  name: MonitoredProcess;
  /** As it is called in sentences. */
  title: string;
  records: ProcessRecords;
  logger: Logger;
  /** Asked at each start, because the release in use may change. */
  launch: () => Launch;
  backOff?: BackOffRule;
}

interface Running {
  identity: ProcessIdentity;
  version: string;
  since: number;
  /** Resolves when it is gone, with how it ended. */
  ended: Promise<string>;
}

const hour = 3_600_000;
/** A process that another monitor started tells nobody of its end. */
const lookMilliseconds = 200;

/** Keeps one process running; it outlives this one, and the next monitor takes it over. */
export class SupervisedProcess {
  readonly #options: SupervisedProcessOptions;
  readonly #backOff: BackOffRule;
  #running: Running | undefined;
  #isWanted = false;
  #timer: NodeJS.Timeout | undefined;
  #delay: number | undefined;
  /** Times at which it ended by itself. */
  #endings: number[] = [];
  #lastEnding: string | undefined;
  #endingsEver = 0;

  constructor(options: SupervisedProcessOptions) {
    this.#options = options;
    this.#backOff = options.backOff ?? backOffRule;
  }

  /** The release of the process that runs. */
  get version(): string | undefined {
    return this.#running?.version;
  }

  /** When the process that runs was started, or taken over. Unix time in milliseconds. */
  get since(): number | undefined {
    return this.#running?.since;
  }

  /** How often it has ended by itself, and how at last. */
  get ending(): { count: number; last: string | undefined } {
    return { count: this.#endingsEver, last: this.#lastEnding };
  }

  /** True while it is to be started again after some time. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  status(now: number): MonitorStatus['processes'][MonitoredProcess] {
    const processId = this.#running?.identity.processId;
    return {
      state: processId !== undefined ? 'running' : this.isWaiting ? 'waiting' : 'stopped',
      ...(processId === undefined ? {} : { processId }),
      endings: this.#endings.filter((at) => at > now - hour).length,
      ...(this.#lastEnding === undefined ? {} : { lastEnding: this.#lastEnding }),
    };
  }

  /** Takes over what an earlier monitor has started, if it still runs. */
  adopt(): void {
    const { name, title, records, logger } = this.#options;
    const record = records.get(name);
    if (record === undefined || !isRunning(record)) return;
    const { version, ...identity } = record;
    logger.info({ processId: identity.processId, version }, `${title} runs already and is taken over`);
    this.#isWanted = true;
    this.#watch({ identity, version, since: Date.now(), ended: untilGone(identity) });
  }

  /** Starts it unless it runs. From now on it is started again when it ends by itself. */
  start(): void {
    this.#isWanted = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running !== undefined) return;
    try {
      this.#watch(this.#launch());
    } catch (error) {
      this.#endedByItself(`cannot be started: ${error instanceof Error ? error.message : String(error)}`, 0);
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#running !== undefined) signalProcess(this.#running.identity, signal);
  }

  /** Ends it with a signal, by force after `patience`; it is not started again. Resolves when it is gone. */
  async end(signal: NodeJS.Signals, patienceMilliseconds: number): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const running = this.#running;
    if (running === undefined) return;
    const { title, logger } = this.#options;
    signalProcess(running.identity, signal);
    const abort = new AbortController();
    const late = sleep(patienceMilliseconds, true, { signal: abort.signal }).catch(() => false);
    const isLate = await Promise.race([running.ended.then(() => false), late]);
    abort.abort();
    if (!isLate) return;
    logger.warn({ signal, patienceMilliseconds }, `${title} does not end and is killed`);
    signalProcess(running.identity, 'SIGKILL');
    await running.ended;
  }

  /**
   * Starts the process behind a gate: it waits until its identity is on disk, and ends without having done anything when this
   * monitor dies before that. So nothing is ever started twice.
   */
  #launch(): Running {
    const { title, logger, launch } = this.#options;
    const { version, command, directory, environment } = launch();
    // A request to read the configuration again must not end a process that does not listen for it yet.
    const gate = 'trap "" HUP; read -r go || exit 1; exec "$@" </dev/null';
    const child = spawn('/bin/sh', ['-c', gate, 'sh', ...command], {
      cwd: directory,
      env: environment,
      // A session of its own: Ctrl-C at the terminal reaches the monitor, which ends its processes in order.
      detached: true,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`cannot be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`));
    });
    child.stdin.on('error', (error) => logger.debug({ reason: error.message }, `${title} ended at once`));
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity === undefined) throw new Error(`the system starts no process in ${directory}`);
    this.#record({ ...identity, version });
    child.stdin.end('go\n');
    child.unref();
    return { identity, version, since: Date.now(), ended };
  }

  #watch(running: Running): void {
    this.#running = running;
    void running.ended.then((how) => {
      this.#running = undefined;
      this.#record(undefined);
      if (this.#isWanted) this.#endedByItself(how, Date.now() - running.since);
    });
  }

  /** A full disk must not keep a gateway from running; what is started twice then refuses by itself. */
  #record(record: ProcessRecord | undefined): void {
    const { name, title, records, logger } = this.#options;
    try {
      records.set(name, record);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.error({ reason }, `${title} cannot be written down for the next monitor`);
    }
  }

  #endedByItself(how: string, ranMilliseconds: number): void {
    const { title, logger } = this.#options;
    const now = Date.now();
    this.#endings = [...this.#endings.filter((at) => at > now - hour), now];
    this.#lastEnding = how;
    this.#endingsEver += 1;
    this.#delay = delayAfter(this.#delay, ranMilliseconds, this.#backOff);
    this.#timer = setTimeout(() => this.start(), this.#delay);
    logger.error(
      { processesEnded: this.#endings.length },
      `${title} ended (${how}), its last lines say why; it is started again in ${this.#delay / 1000} s`,
    );
  }
}

async function untilGone(identity: ProcessIdentity): Promise<string> {
  while (isRunning(identity)) await sleep(lookMilliseconds);
  return 'unseen, because an earlier monitor had started it';
}

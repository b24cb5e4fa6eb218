import { mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandOrder } from '@culvert/contracts';
import type { Logger } from 'pino';
import { z } from 'zod';
import { writeArchive } from './archive.ts';
import { ChangedOnTheWay, sendEnd, type UploadTarget, uploadArchive } from './upload.ts';

export type CollectOrder = Extract<CommandOrder, { kind: 'collectLogs' }>;

export interface LogCollectorOptions {
  /** `log/` of the host. */
  logDirectory: string;
  /** Where archives wait for the control plane; nobody else writes there. */
  spoolDirectory: string;
  /** Asked each time, because the connection is made anew when the certificate is. */
  target: () => UploadTarget;
  logger: Logger;
  hostName: string;
  /** Versions that stand in the manifest. */
  versions: () => Readonly<Record<string, string>>;
  now?: () => Date;
  /** From 0 to 1, for the jitter. */
  random?: () => number;
}

export interface LogCollector {
  /** Takes an order over: from then on it is on the disk and goes on after a restart. The same order may come again. */
  collect(order: CollectOrder): Promise<void>;
  /** Goes on with what an earlier process has left. */
  resume(): Promise<void>;
  /** Tries again at once what waits for the control plane; call it when it was reached. */
  retryNow(): void;
  /** Resolves when nothing is to be sent any more. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const jobSchema = z.strictObject({
  /** It names files. */
  collection: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  start: z.iso.datetime(),
  end: z.iso.datetime(),
  includeAccessLog: z.boolean(),
  orderedAt: z.iso.datetime(),
  archive: z.strictObject({ sizeInBytes: z.int(), sha256: z.string() }).optional(),
});
type Job = z.output<typeof jobSchema>;

/** The control plane has given a collection up after a day without a piece. */
const jobHours = 48;
const backOff = { first: 1000, longest: 300_000 };
/** Bytes that stay free: logs for the support must not fill the disk of a gateway. */
const leastFreeBytes = 256 * 1024 * 1024;

/** Milliseconds to wait after so many tries that failed. `random` is from 0 to 1. */
export function backOffMilliseconds(failures: number, random: number): number {
  const most = Math.min(backOff.first * 2 ** Math.min(failures, 30), backOff.longest);
  return most * (0.5 + random / 2);
}

/** Collects logs when the control plane asks for them, and sends them, whatever happens in between. */
export function createLogCollector(options: LogCollectorOptions): LogCollector {
  return new Collector(options);
}

class Collector implements LogCollector {
  readonly #options: Required<LogCollectorOptions>;
  readonly #end = new AbortController();
  /** Ends the pause between two tries. */
  #wake = new AbortController();
  readonly #jobs = new Map<string, Job>();
  #running: Promise<void> | undefined;

  constructor(options: LogCollectorOptions) {
    this.#options = { now: () => new Date(), random: Math.random, ...options };
  }

  async collect({ collection, start, end, includeAccessLog = false }: CollectOrder): Promise<void> {
    if (this.#jobs.has(collection)) return;
    const orderedAt = this.#options.now().toISOString();
    const job = jobSchema.parse({ collection, start, end, includeAccessLog, orderedAt });
    await this.#keep(job);
    this.#jobs.set(collection, job);
    this.#run();
  }

  async resume(): Promise<void> {
    const { spoolDirectory, logger } = this.#options;
    await mkdir(spoolDirectory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(spoolDirectory)) {
      const file = join(spoolDirectory, name);
      if (name.endsWith('.part')) await rm(file, { force: true });
      if (!name.endsWith('.json')) continue;
      const job = await readJob(file);
      if (job !== undefined) this.#jobs.set(job.collection, job);
      else {
        logger.warn({ file }, 'an order for logs cannot be read and is forgotten');
        await rm(file, { force: true });
      }
    }
    this.#run();
  }

  retryNow(): void {
    this.#wake.abort();
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  #run(): void {
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  async #work(): Promise<void> {
    const { logger, random } = this.#options;
    let failures = 0;
    for (let job = this.#next(); job !== undefined && !this.#end.signal.aborted; job = this.#next()) {
      try {
        await this.#carryOut(job);
        failures = 0;
      } catch (error) {
        if (this.#end.signal.aborted) return;
        const reason = messageOf(error);
        if (isFinal(error) || isOld(job, this.#options.now())) {
          logger.warn({ collection: job.collection, reason }, 'logs are not sent');
          await this.#forget(job);
          continue;
        }
        logger.info({ collection: job.collection, reason }, 'logs wait for the control plane');
        this.#putLast(job.collection);
        await this.#pause(backOffMilliseconds(failures, random()));
        failures += 1;
      }
    }
  }

  /** What cannot be sent holds up nothing else. */
  #putLast(collection: string): void {
    const job = this.#jobs.get(collection);
    if (job === undefined) return;
    this.#jobs.delete(collection);
    this.#jobs.set(collection, job);
  }

  #next(): Job | undefined {
    return this.#jobs.values().next().value;
  }

  async #carryOut(job: Job): Promise<void> {
    const { target, logger } = this.#options;
    const { signal } = this.#end;
    let ready = job;
    try {
      ready = await this.#withArchive(job);
    } catch (error) {
      const reason = explainLocal(error);
      await sendEnd(target(), job.collection, { outcome: 'failed', reason }, signal);
      logger.error({ collection: job.collection, reason }, 'logs cannot be collected');
      return this.#forget(job);
    }
    const { archive } = ready;
    if (archive === undefined) return;
    try {
      await uploadArchive(target(), job.collection, this.#archiveFile(job), archive, signal);
    } catch (error) {
      if (!(error instanceof ChangedOnTheWay)) throw error;
      await sendEnd(target(), job.collection, { outcome: 'failed', reason: error.message }, signal);
      return this.#forget(job);
    }
    logger.info({ collection: job.collection, bytes: archive.sizeInBytes }, 'logs were sent');
    await this.#forget(job);
  }

  /** Makes the archive, unless an earlier process has. */
  async #withArchive(job: Job): Promise<Job> {
    if (job.archive !== undefined && (await sizeOf(this.#archiveFile(job))) === job.archive.sizeInBytes)
      return job;
    const { logDirectory, spoolDirectory, hostName, versions, now } = this.#options;
    const { bavail, bsize } = await statfs(spoolDirectory);
    if (bavail * bsize < leastFreeBytes) throw new NoRoom();
    const { collection, start, end, includeAccessLog } = job;
    const request = { collection, start, end, includeAccessLog, hostName, versions: versions() };
    const archive = await writeArchive(this.#archiveFile(job), logDirectory, request, now());
    const made = { ...job, archive };
    await this.#keep(made);
    this.#jobs.set(collection, made);
    return made;
  }

  async #pause(milliseconds: number): Promise<void> {
    this.#wake = new AbortController();
    const signal = AbortSignal.any([this.#wake.signal, this.#end.signal]);
    await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => {
      // Woken, or closed.
    });
  }

  async #keep(job: Job): Promise<void> {
    const { spoolDirectory } = this.#options;
    const file = join(spoolDirectory, `${job.collection}.json`);
    await mkdir(spoolDirectory, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.part`, JSON.stringify(job), { mode: 0o600, flush: true });
    await rename(`${file}.part`, file);
  }

  async #forget(job: Job): Promise<void> {
    this.#jobs.delete(job.collection);
    const { spoolDirectory } = this.#options;
    await rm(this.#archiveFile(job), { force: true });
    await rm(`${this.#archiveFile(job)}.part`, { force: true });
    await rm(join(spoolDirectory, `${job.collection}.json`), { force: true });
  }

  #archiveFile({ collection }: Job): string {
    return join(this.#options.spoolDirectory, `${collection}.tar.gz`);
  }
}

class NoRoom extends Error {}

/** Why an archive cannot be made on this host, and what to do. */
function explainLocal(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof NoRoom || code === 'ENOSPC' || code === 'EDQUOT') {
    return 'the disk of the server has no room for the archive: make at least 256 MiB free there, and ask again';
  }
  return `the logs of the server cannot be read: ${messageOf(error)}`.slice(0, 1000);
}

/** True when no later try can succeed: the control plane does not wait for this collection. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['invalid', 'serverDeleted'].includes(String(error.code))
  );
}

async function sizeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}

function isOld({ orderedAt }: Job, now: Date): boolean {
  return now.getTime() - Date.parse(orderedAt) > jobHours * 3_600_000;
}

async function readJob(file: string): Promise<Job | undefined> {
  try {
    return jobSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

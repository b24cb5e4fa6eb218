import type { Readable } from 'node:stream';

/** Engines that the product runs under. */
export const engineNames = ['docker', 'podman'] as const;
export type EngineName = (typeof engineNames)[number];

/** A container as its engine tells of it. */
export interface ContainerState {
  /** `running`, `exited`, `created`, `paused`, …; `missing` when there is none of that name. */
  state: string;
  /** Of its health check; `none` while there is no result yet or no check. */
  health: 'healthy' | 'unhealthy' | 'starting' | 'none';
  /** The digest of the image that it was made from (`sha256:…`); empty when it is missing. */
  image: string;
  labels: Readonly<Record<string, string>>;
  processId: number | undefined;
  startedAt: string | undefined;
  exitCode: number | undefined;
}

/** An image as its engine tells of it. */
export interface ImageState {
  /** `sha256:…`, as a container tells of the image that it was made from. */
  digest: string;
  createdAt: string;
}

/** A program that was run: never a shell. */
export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

/** A program that runs; both streams have to be read. */
export interface OpenProgram {
  stdout: Readable;
  stderr: Readable;
  /** Resolves to the exit status; rejects with a Failure when the program cannot be run. */
  ended: Promise<number>;
}

/** Docker or Podman, through its command line. Methods reject with a Failure that says what the engine said. */
export interface ContainerEngine {
  readonly name: EngineName;
  /** Its version; rejects when it does not answer, with what to do. */
  version(): Promise<string>;
  inspect(container: string): Promise<ContainerState>;
  /** Makes the health that `inspect` tells a recent one, where the engine does not do so by itself. */
  refreshHealth(container: string): Promise<void>;
  /** Creates and starts a container from the words that follow `run --detach`. */
  run(words: readonly string[]): Promise<void>;
  /** Runs a container to its end from the words that follow `run`; it is gone afterwards. `input` goes to its standard input. */
  runOnce(words: readonly string[], input: string): Promise<Outcome>;
  start(container: string): Promise<void>;
  /** By its own signal, by force after the patience. */
  stop(container: string, patienceSeconds: number): Promise<void>;
  /** Sends a signal to its first process. */
  signal(container: string, signal: NodeJS.Signals): Promise<void>;
  rename(container: string, name: string): Promise<void>;
  /** Nothing happens when there is none. */
  remove(container: string): Promise<void>;
  /** Runs a program in a container. */
  execute(container: string, words: readonly string[]): Promise<Outcome>;
  /** An image on this host; undefined when it is not there. */
  inspectImage(image: string): Promise<ImageState | undefined>;
  /** Names of all images on this host, as `NAME:TAG`. */
  imageNames(): Promise<string[]>;
  pull(image: string): Promise<void>;
  /** Loads images of an archive; resolves to their names. */
  load(archive: string): Promise<string[]>;
  removeImage(image: string): Promise<void>;
  /** The last lines that a container has printed. */
  recentLog(container: string, lines: number): Promise<string>;
  /** Runs the engine's program; resolves to what it prints. */
  ask(words: readonly string[]): Promise<string>;
  /** Runs the engine's program for as long as it takes; its output is for the caller to read. The signal ends it. */
  open(words: readonly string[], signal: AbortSignal): OpenProgram;
}

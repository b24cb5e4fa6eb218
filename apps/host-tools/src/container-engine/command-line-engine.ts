import { Failure } from '../program/failure.ts';
import type {
  ContainerEngine,
  ContainerState,
  EngineName,
  ImageState,
  OpenProgram,
  Outcome,
} from './container-engine.ts';
import { engineFailure, noAnswer, notInstalled, notUnderstood } from './failures.ts';
import { missingContainer, parseContainer, parseImage, parseLoaded } from './inspect.ts';
import { openProgram, ProgramTimeout, runProgram } from './run-program.ts';

export interface CommandLine {
  name: EngineName;
  /** The program and what always stands before its own words, as for another user. */
  words: readonly string[];
  /** For what goes to a registry: Podman pulls by itself, Docker lets its daemon do so. */
  proxyEnvironment: Readonly<Record<string, string>>;
}

const second = 1_000;
/** A host under full load answers in seconds. */
const quick = 60 * second;
/** Creates layers and networks. */
const create = 180 * second;
/** Images have hundreds of megabytes, and lines are slow. */
const transfer = 1_800 * second;
/** What an engine needs beside the end of the container itself. */
const stopExtra = 30 * second;

/** How the engines of all versions say that there is none of a name. */
const isMissing = (said: string) => /no such (container|object|image)|image not known/i.test(said);

/** Docker or Podman, run as programs. */
export class CommandLineEngine implements ContainerEngine {
  readonly name: EngineName;
  readonly #commandLine: CommandLine;

  constructor(commandLine: CommandLine) {
    this.name = commandLine.name;
    this.#commandLine = commandLine;
  }

  async version(): Promise<string> {
    // The daemon of Docker is what counts; Podman has none.
    const format = this.name === 'docker' ? '{{.Server.Version}}' : '{{.Client.Version}}';
    const version = (await this.#must(['version', '--format', format])).trim();
    if (!/^\d+\.\d+/.test(version)) throw notUnderstood(this.name, `version "${version.slice(0, 100)}"`);
    return version;
  }

  async inspect(container: string): Promise<ContainerState> {
    const { status, stdout, stderr } = await this.#run(['inspect', '--type', 'container', container], quick);
    if (status !== 0) {
      if (isMissing(stderr)) return missingContainer;
      throw engineFailure(this.name, stderr);
    }
    const state = parseContainer(stdout);
    if (state === undefined) throw notUnderstood(this.name, `inspect ${container}`);
    return state;
  }

  async refreshHealth(container: string): Promise<void> {
    // Podman has its checks run by timers of systemd, which is not everywhere.
    if (this.name === 'podman') await this.#run(['healthcheck', 'run', container], quick);
  }

  async run(words: readonly string[]): Promise<void> {
    await this.#must(['run', '--detach', ...words], create);
  }

  runOnce(words: readonly string[], input: string): Promise<Outcome> {
    return this.#run(['run', '--rm', '--interactive', ...words], create, {}, input);
  }

  async start(container: string): Promise<void> {
    await this.#must(['start', container], create);
  }

  async stop(container: string, patienceSeconds: number): Promise<void> {
    const words = ['stop', '-t', String(patienceSeconds), container];
    await this.#must(words, patienceSeconds * second + stopExtra);
  }

  async signal(container: string, signal: NodeJS.Signals): Promise<void> {
    await this.#must(['kill', '--signal', signal, container]);
  }

  async rename(container: string, name: string): Promise<void> {
    await this.#must(['rename', container, name]);
  }

  async remove(container: string): Promise<void> {
    const { status, stderr } = await this.#run(['rm', '--force', container], quick);
    if (status !== 0 && !isMissing(stderr)) throw engineFailure(this.name, stderr);
  }

  execute(container: string, words: readonly string[]): Promise<Outcome> {
    return this.#run(['exec', container, ...words], quick);
  }

  async inspectImage(image: string): Promise<ImageState | undefined> {
    const { status, stdout, stderr } = await this.#run(['image', 'inspect', image], quick);
    if (status !== 0) {
      if (isMissing(stderr)) return undefined;
      throw engineFailure(this.name, stderr);
    }
    const state = parseImage(stdout);
    if (state === undefined) throw notUnderstood(this.name, `image inspect ${image}`);
    return state;
  }

  async imageNames(): Promise<string[]> {
    const text = await this.#must(['images', '--format', '{{.Repository}}:{{.Tag}}']);
    return text.split('\n').filter((name) => name !== '' && !name.includes('<none>'));
  }

  async pull(image: string): Promise<void> {
    await this.#must(['pull', '--quiet', image], transfer, this.#commandLine.proxyEnvironment);
  }

  async load(archive: string): Promise<string[]> {
    return parseLoaded(await this.#must(['load', '--input', archive], transfer));
  }

  async removeImage(image: string): Promise<void> {
    await this.#must(['rmi', image], create);
  }

  async recentLog(container: string, lines: number): Promise<string> {
    const { stdout, stderr } = await this.#run(['logs', '--tail', String(lines), container], quick);
    return `${stdout}${stderr}`;
  }

  ask(words: readonly string[]): Promise<string> {
    return this.#must(words);
  }

  open(words: readonly string[], signal: AbortSignal): OpenProgram {
    const { stdout, stderr, ended } = openProgram([...this.#commandLine.words, ...words], signal);
    const explained = ended.catch((error: unknown) => {
      throw this.#explain(error, quick);
    });
    return { stdout, stderr, ended: explained };
  }

  async #must(
    words: readonly string[],
    timeoutMilliseconds = quick,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { status, stdout, stderr } = await this.#run(words, timeoutMilliseconds, environment);
    if (status !== 0) throw engineFailure(this.name, stderr === '' ? stdout : stderr);
    return stdout;
  }

  async #run(
    words: readonly string[],
    timeoutMilliseconds: number,
    environment: Readonly<Record<string, string>> = {},
    input = '',
  ): Promise<Outcome> {
    const command = [...this.#commandLine.words, ...words];
    try {
      return await runProgram(command, { environment, input, timeoutMilliseconds });
    } catch (error) {
      throw this.#explain(error, timeoutMilliseconds);
    }
  }

  #explain(error: unknown, timeoutMilliseconds: number): Failure {
    if (error instanceof ProgramTimeout) return noAnswer(this.name, timeoutMilliseconds / second);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return notInstalled(this.name);
    const reason = error instanceof Error ? error.message : String(error);
    return new Failure(
      { en: `${this.name} cannot be run: ${reason}`, ja: `${this.name} を実行できません: ${reason}` },
      { cause: error },
    );
  }
}

import { readIfThere, writeDurably } from './durable-file.ts';
import { type HostState, type HostStateStore, hostStateSchema } from './host-upgrade.ts';
import { ReleaseError } from './releases.ts';

/** `release-in-use.json`. A host that has none begins with its newest release. */
export class StateFile implements HostStateStore {
  readonly #file: string;
  #state: HostState;

  /**
   * `versions` are those of this host, oldest first. Throws a `ReleaseError` when there is none to begin with, or the file was
   * changed by hand.
   */
  constructor(file: string, versions: readonly string[]) {
    this.#file = file;
    const text = readIfThere(file);
    if (text !== undefined) {
      this.#state = parse(file, text);
      return;
    }
    const version = versions.at(-1);
    if (version === undefined) throw new ReleaseError('there is no release on this host');
    this.#state = { version };
    this.write(this.#state);
  }

  read(): HostState {
    return this.#state;
  }

  write(state: HostState): void {
    writeDurably(this.#file, `${JSON.stringify(state, undefined, 2)}\n`);
    this.#state = state;
  }
}

/** The state of a host that runs from the repository: always the version that is there. */
export class RepositoryState implements HostStateStore {
  #state: HostState;

  constructor(version: string) {
    this.#state = { version };
  }

  read(): HostState {
    return this.#state;
  }

  write(state: HostState): void {
    this.#state = state;
  }
}

function parse(file: string, text: string): HostState {
  try {
    return hostStateSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new ReleaseError(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}. Delete it to begin with the newest release`,
    );
  }
}

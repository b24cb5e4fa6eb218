import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { matchesHash, passwordBytes } from '@culvert/passwords/hash.ts';
import { hashBytes, hashCost, type PasswordHash, saltBytes } from '@culvert/passwords/phc.ts';
import { WorkLimit } from '@culvert/passwords/work-limit.ts';
import type { PasswordFile, PasswordVerdict } from '../configuration/loaded-configuration.ts';
import { type Accounts, parseAccounts } from './accounts.ts';

export interface PasswordFileOptions {
  /** Hashes computed at the same time; each takes a core and 19 MiB. */
  concurrent?: number;
  /** Attempts that may wait; at 20 ms a hash the last of 64 a core waits about as long as a person does. */
  waiting?: number;
  /** Told of lines that cannot be read, and of a file that went away; the accounts of before stay in use. */
  onProblem?: (problem: string) => void;
}

/** Opens a users file. It is read again whenever it changed, so `passwd` works on a running gateway. */
export function openPasswordFile(
  file: string,
  accounts: Accounts,
  options: PasswordFileOptions = {},
): PasswordFile {
  const concurrent = options.concurrent ?? availableParallelism();
  const limit = new WorkLimit({ concurrent, waiting: options.waiting ?? concurrent * 64 });
  const source = new AccountSource(file, accounts, options.onProblem ?? (() => {}));
  return {
    async verify(name: string, password: string): Promise<PasswordVerdict> {
      const bytes = passwordBytes(password);
      if (bytes === undefined) return 'refused';
      const { hashes, decoy } = await source.current();
      const expected = hashes.get(name.normalize('NFC'));
      // An unknown name costs the same work, so the time of the answer does not tell who has an account.
      const matches = await limit.run(() => matchesHash(bytes, expected ?? decoy));
      if (matches === 'busy') return 'busy';
      return matches && expected !== undefined ? 'accepted' : 'refused';
    },
  };
}

interface Snapshot {
  hashes: Map<string, PasswordHash>;
  decoy: PasswordHash;
}

/** The accounts as the file says now. */
class AccountSource {
  readonly #file: string;
  readonly #onProblem: (problem: string) => void;
  #snapshot: Snapshot;
  /** Unknown at first, so that a change between loading and the first attempt is not missed. */
  #version = '';
  #lastProblem = '';

  constructor(file: string, accounts: Accounts, onProblem: (problem: string) => void) {
    this.#file = file;
    this.#onProblem = onProblem;
    this.#snapshot = snapshotOf(accounts);
  }

  async current(): Promise<Snapshot> {
    try {
      // The inode tells a replaced file even when both were written within one tick of its clock.
      const { mtimeNs, size, ino } = await stat(this.#file, { bigint: true });
      const version = `${mtimeNs} ${size} ${ino}`;
      if (version !== this.#version) {
        const accounts = parseAccounts(await readFile(this.#file, 'utf8'));
        this.#snapshot = snapshotOf(accounts);
        this.#version = version;
        this.#tell(accounts.problems.join('; '));
      }
    } catch (error) {
      this.#tell(
        `cannot be read (${(error as NodeJS.ErrnoException).code}); the accounts of before stay in use`,
      );
    }
    return this.#snapshot;
  }

  #tell(problem: string): void {
    if (problem !== '' && problem !== this.#lastProblem) this.#onProblem(`${this.#file}: ${problem}`);
    this.#lastProblem = problem;
  }
}

function snapshotOf({ hashes }: Accounts): Snapshot {
  const costliest = [...hashes.values()].reduce(
    (most, hash) => (hash.memory * hash.passes > most.memory * most.passes ? hash : most),
    hashCost,
  );
  const decoy = {
    memory: costliest.memory,
    passes: costliest.passes,
    parallelism: costliest.parallelism,
    salt: randomBytes(saltBytes),
    hash: randomBytes(hashBytes),
  };
  return { hashes, decoy };
}

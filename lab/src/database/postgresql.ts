import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A PostgreSQL of our own, on a unix socket in a directory of its own. */
export interface PostgresqlServer {
  /** URL of a database of this name in it. */
  url(database: string): string;
  /** Process of the server; everything else of it is a child of this one. */
  readonly pid: number;
  /** Carries statements out as its owner; returns what they print. */
  execute(database: string, statements: string): string;
  /** Ends the server as `kill -9` or politely, or starts it again on the same data. */
  stop(how?: 'politely' | 'abruptly'): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes everything. */
  remove(): Promise<void>;
}

/** Debian keeps each version's programs apart. */
function programDirectory(): string {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base)
    ? readdirSync(base).sort((one, other) => Number(other) - Number(one))
    : [];
  const [newest] = versions;
  if (newest === undefined) throw new Error('PostgreSQL is missing: apt-get install -y postgresql');
  return join(base, newest, 'bin');
}

/** Makes and starts a server. It refuses to run as root, so root runs it as the user `postgres`. */
export async function startPostgresql(): Promise<PostgresqlServer> {
  const programs = programDirectory();
  const directory = mkdtempSync(join(tmpdir(), 'culvert-postgresql-'));
  const isRoot = userInfo().uid === 0;
  if (isRoot) {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'])));
    chownSync(directory, uid ?? 0, gid ?? 0);
    chmodSync(directory, 0o700);
  }
  const owner = isRoot ? 'postgres' : userInfo().username;
  const as = (program: string, ...parameters: string[]) =>
    isRoot
      ? {
          file: 'setpriv',
          parameters: [
            '--reuid=postgres',
            '--regid=postgres',
            '--init-groups',
            join(programs, program),
            ...parameters,
          ],
        }
      : { file: join(programs, program), parameters };
  const data = join(directory, 'data');
  const initialise = as(
    'initdb',
    '-D',
    data,
    '-A',
    'trust',
    '-U',
    owner,
    '-E',
    'UTF8',
    '--no-sync',
    '--no-instructions',
  );
  execFileSync(initialise.file, initialise.parameters, { stdio: 'pipe', cwd: '/' });
  let running: ReturnType<typeof spawn> | undefined;

  const server: PostgresqlServer = {
    url: (database) => `postgresql://${owner}@localhost/${database}?host=${encodeURIComponent(directory)}`,
    get pid() {
      return running?.pid ?? 0;
    },
    execute(database, statements) {
      const parameters = ['-h', directory, '-d', database, '-v', 'ON_ERROR_STOP=1', '-At', '-c', statements];
      const command = as('psql', ...parameters);
      return execFileSync(command.file, command.parameters, { encoding: 'utf8', cwd: '/' });
    },
    async start() {
      const command = as(
        'postgres',
        '-D',
        data,
        '-k',
        directory,
        '-c',
        'listen_addresses=',
        '-c',
        'max_connections=200',
      );
      running = spawn(command.file, command.parameters, { stdio: 'ignore', cwd: '/' });
      const ready = as('pg_isready', '-q', '-h', directory, '-d', 'postgres');
      for (let attempt = 0; attempt < 200; attempt += 1) {
        try {
          execFileSync(ready.file, ready.parameters, { stdio: 'ignore', cwd: '/' });
          return;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
      throw new Error('PostgreSQL did not start within ten seconds');
    },
    async stop(how = 'politely') {
      const process = running;
      running = undefined;
      if (process === undefined || process.exitCode !== null) return;
      const ended = new Promise((resolve) => process.once('exit', resolve));
      // SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one, which loses nothing that was committed.
      process.kill(how === 'politely' ? 'SIGINT' : 'SIGQUIT');
      await ended;
    },
    async remove() {
      await server.stop('abruptly');
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

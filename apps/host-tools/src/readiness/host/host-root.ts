import { execFile } from 'node:child_process';
import { constants, promises as files } from 'node:fs';
import { join } from 'node:path';
import type { HostFile, HostView, ProgramOutput } from './host-view.ts';

/** A program that has not ended after this tells nothing; below the limit of a check, so that the check can say so. */
const programMilliseconds = 5_000;

/** As many links as Linux follows in one path (path_resolution(7)). */
const mostLinks = 40;

/** The host whose files are below `root`; `/` is the host that runs. */
export function hostBelow(root: string): HostView {
  const isRunning = root === '/';
  const place = (path: string) => resolveBelow(root, path);
  return {
    isRunning,
    isRoot: process.getuid?.() === 0,
    read: async (path) => readFile(await place(path)),
    async list(folder) {
      return unlessUnreadable(async () => (await files.readdir(await place(folder))).sort(), []);
    },
    async exists(path) {
      return unlessUnreadable(async () => {
        await files.stat(await place(path));
        return true;
      }, false);
    },
    async link(path) {
      const above = path.slice(0, path.lastIndexOf('/')) || '/';
      return unlessUnreadable(
        async () => await files.readlink(join(await place(above), path.slice(path.lastIndexOf('/') + 1))),
        undefined,
      );
    },
    async run(program, ...parameters) {
      return isRunning ? runProgram(program, parameters) : undefined;
    },
    async freeBytes(path) {
      if (!isRunning) return undefined;
      return unlessUnreadable(async () => {
        const { bavail, bsize } = await files.statfs(path);
        return bavail * bsize;
      }, undefined);
    },
    async openError(path) {
      try {
        await using _handle = await files.open(await place(path), constants.O_RDWR);
        return undefined;
      } catch (error) {
        return codeOf(error) ?? 'EIO';
      }
    },
  };
}

/**
 * The real path of `path` in the tree at `root`. Links are followed as that host would follow them, so an absolute
 * one stays in the tree and `..` does not leave it.
 */
export async function resolveBelow(root: string, path: string): Promise<string> {
  if (root === '/') return path;
  let waiting = path.split('/');
  let done: string[] = [];
  let links = 0;
  while (waiting.length > 0) {
    const [name = '', ...rest] = waiting;
    waiting = rest;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done = done.slice(0, -1);
      continue;
    }
    const target = await unlessUnreadable(() => files.readlink(join(root, ...done, name)), undefined);
    if (target === undefined) {
      done = [...done, name];
      continue;
    }
    links += 1;
    if (links > mostLinks) break;
    if (target.startsWith('/')) done = [];
    waiting = [...target.split('/'), ...waiting];
  }
  return join(root, ...done);
}

async function readFile(path: string): Promise<HostFile> {
  try {
    return { text: await files.readFile(path, 'utf8') };
  } catch (error) {
    const code = codeOf(error);
    return { missing: code === 'EACCES' || code === 'EPERM' ? 'denied' : 'absent' };
  }
}

/** What is not there and what may not be read counts as `otherwise`; other errors are nobody's expectation. */
async function unlessUnreadable<Value>(work: () => Promise<Value>, otherwise: Value): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const expected = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EINVAL', 'ELOOP'];
    if (expected.includes(codeOf(error) ?? '')) return otherwise;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function runProgram(program: string, parameters: readonly string[]): Promise<ProgramOutput | undefined> {
  const { promise, resolve } = Promise.withResolvers<ProgramOutput | undefined>();
  // Words of programs are compared, so they must be English; administrators without root have no sbin in their path.
  const path = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin`;
  const env = { ...process.env, LC_ALL: 'C', PATH: path };
  const options = { env, timeout: programMilliseconds, killSignal: 'SIGKILL', maxBuffer: 16 << 20 } as const;
  execFile(program, parameters, options, (error, stdout, stderr) => {
    if (error === null) return resolve({ exitCode: 0, stdout, stderr });
    if (error.code === 'ENOENT') return resolve(undefined);
    const exitCode = typeof error.code === 'number' ? error.code : 1;
    resolve({ exitCode, stdout, stderr, timedOut: error.killed === true });
  });
  return promise;
}

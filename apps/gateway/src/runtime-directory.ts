import { chmod, chown, mkdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

/** User and group of the engine after it has dropped root. */
export const engineGroup = 61_443;

/** Places of a running gateway below its state directory. */
export interface RuntimePaths {
  runtimeDirectory: string;
  logDirectory: string;
  /** The engine relays new connections here. */
  relaySocket: string;
  /** The commands of the administrator talk to the gateway here. */
  adminSocket: string;
}

export function runtimePaths(stateDirectory: string): RuntimePaths {
  const runtimeDirectory = join(stateDirectory, 'run');
  return {
    runtimeDirectory,
    logDirectory: join(stateDirectory, 'log'),
    relaySocket: join(runtimeDirectory, 'gateway.sock'),
    adminSocket: join(runtimeDirectory, 'admin.sock'),
  };
}

/**
 * Makes the directories. With root the engine passes through both without being able to list them, and `run` is only for its
 * group. Without root it is of the same user, and the state directory may belong to somebody else.
 */
export async function makeRuntimeDirectory(stateDirectory: string, paths: RuntimePaths): Promise<void> {
  await mkdir(stateDirectory, { recursive: true });
  if (process.getuid?.() === 0) {
    const { mode } = await stat(stateDirectory);
    // 0o7777 are the permission bits of a mode; the umask of the gateway gives others nothing.
    await chmod(stateDirectory, (mode & 0o7777) | 0o011);
  }
  await mkdir(paths.runtimeDirectory, { recursive: true, mode: 0o710 });
  await shareWithEngine(paths.runtimeDirectory, 0o710);
}

/** Gives the engine's group its part of a file; without root everything stays with the one user that there is. */
export async function shareWithEngine(path: string, mode: number): Promise<void> {
  await chmod(path, mode);
  if (process.getuid?.() === 0) await chown(path, 0, engineGroup);
}

/** True when a process answers at the socket. A socket that a killed process left is removed. */
export async function isServed(socketPath: string): Promise<boolean> {
  const served = await new Promise<boolean>((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
  if (!served) await rm(socketPath, { force: true });
  return served;
}

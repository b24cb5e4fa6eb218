import { readFileSync } from 'node:fs';
import { serviceAccount } from '../host-layout/host-layout.ts';
import { Failure } from '../program/failure.ts';
import { CommandLineEngine } from './command-line-engine.ts';
import { type ContainerEngine, type EngineName, engineNames } from './container-engine.ts';
import { EngineMissing, notInstalled } from './failures.ts';

export interface EngineWish {
  /** `env.sh`. */
  variables: ReadonlyMap<string, string>;
  /** Text of `/etc/os-release`. */
  osRelease: string;
  /** Of the service account, for Podman without root. */
  userId: number | undefined;
}

/** Engines to try, the preferred one first. Throws a Failure for a value of `env.sh` that is none. */
export function engineOrder({ variables, osRelease }: Omit<EngineWish, 'userId'>): readonly EngineName[] {
  if (isRootless(variables)) return ['podman'];
  const wanted = variables.get('mst_container_engine') ?? '';
  if (wanted !== '') {
    const engine = engineNames.find((name) => name === wanted);
    if (engine !== undefined) return [engine];
    throw new Failure({
      en: `env.sh: mst_container_engine: found "${wanted}"; must be docker or podman.`,
      ja: `env.sh: mst_container_engine の値 "${wanted}" は正しくありません。docker または podman を指定してください。`,
    });
  }
  // Red Hat supports Podman only, and its `docker` may be a Podman in disguise.
  return /^ID(_LIKE)?=.*\b(rhel|fedora|centos)\b/m.test(osRelease)
    ? ['podman', 'docker']
    : ['docker', 'podman'];
}

/** Whether the containers are those of the service account and not of root. */
export function isRootless(variables: ReadonlyMap<string, string>): boolean {
  return /^(1|true|yes)$/i.test(variables.get('mst_rootless_mode') ?? '');
}

/** The engine as a program that can be run. */
export function engineOf(
  name: EngineName,
  { variables, userId }: Omit<EngineWish, 'osRelease'>,
): ContainerEngine {
  const proxyEnvironment = Object.fromEntries(
    [...variables].filter(([variable]) => /^(https?|no)_proxy$/i.test(variable)),
  );
  return new CommandLineEngine({
    name,
    words: isRootless(variables) && userId !== undefined ? rootless(userId) : [name],
    proxyEnvironment,
  });
}

/**
 * The engine of this server: the one of `env.sh`, or the first that answers. Rejects with a Failure of the preferred one when
 * none does.
 */
export async function chooseEngine(wish: EngineWish): Promise<ContainerEngine> {
  let first: unknown;
  for (const name of engineOrder(wish)) {
    const engine = engineOf(name, wish);
    try {
      await engine.version();
      return engine;
    } catch (error) {
      // One that is there and does not answer says more than one that is not there.
      if (first === undefined || first instanceof EngineMissing) first = error;
    }
  }
  throw first instanceof EngineMissing && engineOrder(wish).length > 1 ? notInstalled() : first;
}

/** The text of `/etc/os-release`; empty where there is none. */
export function readOsRelease(file = '/etc/os-release'): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** A service account has no session, so nothing tells Podman where its runtime files are. */
function rootless(userId: number): string[] {
  const runtime = `/run/user/${userId}`;
  const environment = [`XDG_RUNTIME_DIR=${runtime}`, `HOME=/home/${serviceAccount}`];
  // Podman complains about a working directory that its user cannot enter.
  return ['runuser', '-u', serviceAccount, '--', 'env', '--chdir=/', ...environment, 'podman'];
}

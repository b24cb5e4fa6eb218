import { type MonitoredProcess, monitoredProcesses, versionSchema } from '@culvert/contracts';
import type { EngineName } from '../container-engine/container-engine.ts';
import { Failure } from '../program/failure.ts';
import { containerNames } from './names.ts';

/** Names under which an image of the product may be on a host, the preferred one first. */
export function imageNames(
  engine: EngineName,
  process: MonitoredProcess,
  version: string,
  registry: string | undefined,
): string[] {
  const name = `${containerNames[process]}:${version}`;
  const pulled = registry === undefined ? [] : [`${registry}/${name}`];
  // Podman gives images of its own the first name, and those of an archive of Docker the second; it asks registries for short ones.
  return engine === 'podman'
    ? [...pulled, `localhost/${name}`, `docker.io/library/${name}`]
    : [...pulled, name];
}

/** Versions of which there are both images among those of a host. */
export function completeVersions(
  engine: EngineName,
  names: readonly string[],
  registry: string | undefined,
): string[] {
  const there = new Set(names);
  const versions = names.flatMap((name) => {
    const version = name.slice(name.lastIndexOf(':') + 1);
    return versionSchema.safeParse(version).success ? [version] : [];
  });
  return [...new Set(versions)].filter((version) =>
    monitoredProcesses.every((process) =>
      imageNames(engine, process, version, registry).some((name) => there.has(name)),
    ),
  );
}

/** `mst_image_registry` of `env.sh`; undefined when images come from archives. Throws a Failure for what is no registry. */
export function imageRegistry(variables: ReadonlyMap<string, string>): string | undefined {
  const registry = (variables.get('mst_image_registry') ?? '').replace(/\/+$/, '');
  if (registry === '') return undefined;
  // Host, perhaps with a port, and a path, as in the reference grammar of container images; it must not begin like an option.
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/i.test(registry))
    return registry;
  throw new Failure({
    en: `env.sh: mst_image_registry: found "${registry}"; must be HOST[:PORT][/PATH], without https://`,
    ja: `env.sh: mst_image_registry の値 "${registry}" は正しくありません。ホスト[:ポート][/パス] の形で、https:// を付けずに指定してください。`,
  });
}

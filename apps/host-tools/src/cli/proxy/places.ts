import { access, lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEnvironmentFile, setVariables } from '../../host-layout/environment-file.ts';
import { Failure } from '../../program/failure.ts';
import { environmentFile, profileScript } from './assignments.ts';
import { unitDropIn } from './unit-drop-in.ts';
import { type Changes, type FileKind, isProxyVariable } from './variables.ts';

/** Who has to be started again to see a change of a place; `people` see it when they sign in next. */
export type Reader = 'people' | 'docker' | 'monitor' | 'containers';

/** A file that may name the proxy. */
export interface ProxyPlace {
  path: string;
  kind: FileKind;
  reader: Reader;
  /** True for the file that names it; others of the same reader must not name another one. */
  isMain: boolean;
}

/** A place with what stands there; the text of a file that is not there is undefined. */
export interface FoundPlace extends ProxyPlace {
  text: string | undefined;
  variables: ReadonlyMap<string, string>;
}

const serverEnvironment: FileKind = {
  read(text) {
    const read = readEnvironmentFile(text);
    if (!read.ok) return read;
    return { ok: true, variables: new Map([...read.variables].filter(([name]) => isProxyVariable(name))) };
  },
  set: setVariables,
};

const programs = ['/usr/bin', '/usr/local/bin', '/bin', '/usr/sbin', '/snap/bin'];

/** The places of the system below `root`. The service of Docker is one where Docker is installed or was set up for a proxy. */
export async function proxyPlaces(root: string, serverEnvironmentFile: string): Promise<ProxyPlace[]> {
  const at = (path: string) => join(root, path);
  const docker = at('/etc/systemd/system/docker.service.d');
  const candidates = [docker, ...programs.map((directory) => at(`${directory}/docker`))];
  const hasDocker = (await Promise.all(candidates.map(exists))).includes(true);
  return [
    { path: at('/etc/environment'), kind: environmentFile, reader: 'people', isMain: true },
    { path: at('/etc/profile.d/http_proxy.sh'), kind: profileScript, reader: 'people', isMain: true },
    ...(hasDocker ? await dropIns(docker, 'docker') : []),
    { path: serverEnvironmentFile, kind: serverEnvironment, reader: 'containers', isMain: true },
    ...(await dropIns(at('/etc/systemd/system/mstunnel_monitor.service.d'), 'monitor')),
  ];
}

/** A later drop-in counts more than an earlier one, so every one is looked at. */
async function dropIns(directory: string, reader: Reader): Promise<ProxyPlace[]> {
  const main = 'http-proxy.conf';
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const others = names.filter((name) => name.endsWith('.conf') && name !== main).sort();
  return [main, ...others].map((name) => ({
    path: join(directory, name),
    kind: unitDropIn,
    reader,
    isMain: name === main,
  }));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Reads a place. Throws a Failure for a file that cannot be read or has a line that is not finished. */
export async function readPlace(place: ProxyPlace): Promise<FoundPlace> {
  const text = await readText(place.path);
  const read = place.kind.read(text ?? '');
  if (read.ok) return { ...place, text, variables: read.variables };
  const { line, problem } = read;
  throw new Failure({
    en: `${place.path}, line ${line}: ${problem.en}. Correct the line and run this again; no file was changed.`,
    ja: `${place.path} の ${line} 行目: ${problem.ja}。この行を修正してから、もう一度実行してください (ファイルは変更していません)。`,
  });
}

async function readText(path: string): Promise<string | undefined> {
  try {
    // One of the files is where containers can write: what it is a link to is nothing to read or to change as root.
    if ((await lstat(path)).isFile()) return await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new Failure(
      { en: `${path} cannot be read: ${message}`, ja: `${path} を読み取れません: ${message}` },
      { cause: error },
    );
  }
  throw new Failure({
    en: `${path} is no plain file (a link?). Put a plain file in its place and run this again; no file was changed.`,
    ja: `${path} は通常のファイルではありません (リンクなど)。通常のファイルに置き換えてから、もう一度実行してください (ファイルは変更していません)。`,
  });
}

/** A file and its new text; undefined takes it away. */
export interface FileChange {
  path: string;
  reader: Reader;
  before: string | undefined;
  after: string | undefined;
}

/** What has to be written so that every place says the same; places that do so already are left out. */
export function planChanges(places: readonly FoundPlace[], changes: Changes): FileChange[] {
  const nothing = Object.fromEntries(Object.keys(changes).map((name) => [name, undefined]));
  return places.flatMap(({ path, kind, reader, isMain, text, variables }) => {
    // A file that says so already stays as it is, down to quotes and order.
    const wanted = isMain ? changes : nothing;
    if (Object.entries(wanted).every(([name, value]) => variables.get(name) === value)) return [];
    const written = kind.set(text ?? '', wanted);
    // A file with nothing in it is taken away where it was only there for a proxy.
    const after = written === '' && !path.endsWith('/environment') ? undefined : written;
    return after === text ? [] : [{ path, reader, before: text, after }];
  });
}

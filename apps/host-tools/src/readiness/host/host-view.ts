/** A file of a host: its text, or why there is none. `denied` needs root. */
export type HostFile =
  | Readonly<{ text: string; missing?: never }>
  | Readonly<{ text?: never; missing: 'absent' | 'denied' }>;

/** What a program has said. `timedOut` means that it was ended before it had finished. */
export type ProgramOutput = Readonly<{
  exitCode: number;
  stdout: string;
  stderr: string;
  timedOut?: boolean;
}>;

/** A host as the checks see it: running, or a tree of files. */
export interface HostView {
  /** True for the host that runs; a tree of files has no kernel, no memory and no programs. */
  readonly isRunning: boolean;
  /** True when nothing is hidden from this process. */
  readonly isRoot: boolean;
  read(path: string): Promise<HostFile>;
  /** Names in a folder in their order; none when it is not there or may not be read. */
  list(folder: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  /** The target of a link as it is written, or undefined when the path is no link. */
  link(path: string): Promise<string | undefined>;
  /** Runs a program; undefined when it is not installed or the host does not run. */
  run(program: string, ...parameters: string[]): Promise<ProgramOutput | undefined>;
  /** Bytes that are free for programs of root where `path` is; undefined for a tree. */
  freeBytes(path: string): Promise<number | undefined>;
  /** Opens a file for reading and writing. The code of the error (`ENOENT`, `EPERM`, …) when it cannot be. */
  openError(path: string): Promise<string | undefined>;
}

/** The text of a file, or the empty text when there is none to read. */
export async function textOf(view: HostView, path: string): Promise<string> {
  return (await view.read(path)).text ?? '';
}

/** The files of a folder whose names end so, with their texts; what may not be read is left out. */
export async function filesOf(
  view: HostView,
  folder: string,
  ending: string,
): Promise<{ path: string; text: string }[]> {
  const names = (await view.list(folder)).filter((name) => name.endsWith(ending));
  const files = await Promise.all(
    names.map(async (name) => ({ path: `${folder}/${name}`, file: await view.read(`${folder}/${name}`) })),
  );
  return files.flatMap(({ path, file }) => (file.text === undefined ? [] : [{ path, text: file.text }]));
}

/** One file of the sysctl configuration; `target` is the file that a link leads to. */
export type SysctlFile = Readonly<{ path: string; text: string; target?: string }>;

/** What the kernel gets at boot for one name, and from which line (counted from 1) of which file. */
export type SysctlSetting = Readonly<{ value: string; file: SysctlFile; line: number }>;

/**
 * Who applies the files at boot: systemd reads `/etc/sysctl.conf` only where a link in `/etc/sysctl.d` leads to it,
 * procps (`sysctl --system`) always reads it, as the last one.
 */
export type SysctlReader = 'systemd' | 'procps';

/**
 * The folders of sysctl.d(5); a file of an earlier folder hides the one of the same name in a later folder.
 * `/lib` is the same as `/usr/lib` on most hosts.
 */
export const sysctlFolders = [
  '/etc/sysctl.d',
  '/run/sysctl.d',
  '/usr/local/lib/sysctl.d',
  '/usr/lib/sysctl.d',
  '/lib/sysctl.d',
] as const;

export const sysctlConf = '/etc/sysctl.conf';

/** The files in the order in which they are applied: by name over all folders. */
export function inOrderOfApplication(files: readonly SysctlFile[], reader: SysctlReader): SysctlFile[] {
  const byName = new Map<string, SysctlFile>();
  for (const folder of sysctlFolders) {
    for (const file of files.filter(({ path }) => folderOf(path) === folder)) {
      const name = nameOf(file.path);
      if (name.endsWith('.conf') && !byName.has(name)) byName.set(name, file);
    }
  }
  const ordered = [...byName.values()].sort((left, right) =>
    nameOf(left.path) < nameOf(right.path) ? -1 : 1,
  );
  return reader === 'systemd' ? ordered : [...ordered, ...files.filter(({ path }) => path === sysctlConf)];
}

/** The setting of one of `names` that stays after all files are applied, or undefined when none sets it. */
export function settingAtBoot(
  files: readonly SysctlFile[],
  reader: SysctlReader,
  ...names: string[]
): SysctlSetting | undefined {
  let last: SysctlSetting | undefined;
  for (const file of inOrderOfApplication(files, reader)) {
    for (const { name, value, line } of parseSysctl(file.text)) {
      if (names.includes(name)) last = { value, file, line };
    }
  }
  return last;
}

/** The assignments of one file, names with dots, lines counted from 1. */
export function parseSysctl(text: string): { name: string; value: string; line: number }[] {
  return text.split('\n').flatMap((line, index) => {
    const match = /^\s*-?\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) return [];
    return [{ name: normalName(match[1]), value: match[2], line: index + 1 }];
  });
}

/** sysctl.d(5): where the first separator is a slash, slashes and dots change places. */
function normalName(name: string): string {
  const separator = /[./]/.exec(name)?.[0];
  if (separator !== '/') return name;
  return name.replace(/[./]/g, (character) => (character === '/' ? '.' : '/'));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

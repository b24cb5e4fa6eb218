import { filesOf, type HostView } from './host-view.ts';
import { type SysctlFile, type SysctlReader, sysctlConf, sysctlFolders } from './parse/sysctl-files.ts';

/** All files of the sysctl configuration of a host, and who applies them at boot. */
export type SysctlConfiguration = Readonly<{ files: readonly SysctlFile[]; reader: SysctlReader }>;

const systemdPrograms = ['/usr/lib/systemd/systemd-sysctl', '/lib/systemd/systemd-sysctl'];

export async function sysctlConfigurationOf(view: HostView): Promise<SysctlConfiguration> {
  const [folders, main, programs] = await Promise.all([
    Promise.all(sysctlFolders.map((folder) => filesOf(view, folder, '.conf'))),
    view.read(sysctlConf),
    Promise.all(systemdPrograms.map((program) => view.exists(program))),
  ]);
  const files = await Promise.all(
    folders.flat().map(async (file): Promise<SysctlFile> => {
      const link = await view.link(file.path);
      return link === undefined ? file : { ...file, target: linkTarget(file.path, link) };
    }),
  );
  return {
    files: main.text === undefined ? files : [...files, { path: sysctlConf, text: main.text }],
    reader: programs.includes(true) ? 'systemd' : 'procps',
  };
}

/** Where a link leads to, as a path of the host. */
function linkTarget(path: string, link: string): string {
  return new URL(link, `file://${path}`).pathname;
}

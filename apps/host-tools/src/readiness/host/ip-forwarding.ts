import type { Check, Finding } from '../../checks/check.ts';
import type { HostFile, HostView } from './host-view.ts';
import { type SysctlFile, settingAtBoot } from './parse/sysctl-files.ts';
import { type SysctlConfiguration, sysctlConfigurationOf } from './sysctl.ts';

export const forwardingNow = '/proc/sys/net/ipv4/ip_forward';
/** Sorts behind the names that distributions use, `99-sysctl.conf` too. */
export const forwardingFile = '/etc/sysctl.d/99-zz-mstunnel.conf';
const forwardingName = 'net.ipv4.ip_forward';
/** The kernel keeps both names equal (ip-sysctl, `ip_forward`). */
const sameSetting = [forwardingName, 'net.ipv4.conf.all.forwarding'];
const forwardingLine = `${forwardingName} = 1`;

/** A file and the text that it is to have. */
export type FileEdit = Readonly<{ path: string; text: string }>;

const why = {
  en: 'The server passes packets on between devices and the internal network.',
  ja: 'サーバーは、デバイスと社内ネットワークの間でパケットを転送します。',
};

export function judgeForwardingNow(file: HostFile): Finding {
  if (file.text === undefined) {
    return {
      result: 'unknown',
      found: { en: 'told only by the running kernel', ja: '稼働中のカーネルでのみ確認できます' },
      remedy: { commands: [`sysctl ${forwardingName}`] },
    };
  }
  if (file.text.trim() === '1') return { result: 'ok', found: { en: 'on', ja: '有効です' } };
  return {
    result: 'failed',
    found: { en: 'off', ja: '無効です' },
    remedy: { commands: [`sudo sysctl -w ${forwardingName}=1`] },
  };
}

/** Judges what the kernel is told at the next boot, and names the file that decides. */
export function judgeForwardingAtBoot({ files, reader }: SysctlConfiguration): Finding {
  const setting = settingAtBoot(files, reader, ...sameSetting);
  const remedy = {
    commands: [`echo '${forwardingLine}' | sudo tee ${forwardingFile}`, 'sudo sysctl --system'],
  };
  if (setting === undefined) {
    // The document names this file; a host where only procps reads it says so with --fix.
    const unread = settingAtBoot(files, 'procps', ...sameSetting);
    return {
      result: 'warning',
      found:
        unread === undefined
          ? { en: 'no file turns it on', ja: '有効にする設定ファイルがありません' }
          : {
              en: `set only in ${placeOf(unread.file)}, which systemd does not read`,
              ja: `${placeOf(unread.file)} にのみ設定されていますが、systemd はこのファイルを読み込みません`,
            },
      remedy,
    };
  }
  const place = `${placeOf(setting.file)}:${setting.line}`;
  if (setting.value === '1') {
    return { result: 'ok', found: { en: `on, by ${place}`, ja: `有効です (${place})` } };
  }
  return {
    result: 'warning',
    found: {
      en: `${place} turns it off (${setting.value})`,
      ja: `${place} で無効に設定されています (${setting.value})`,
    },
    remedy: isBeforeOurs(setting.file, { files, reader })
      ? remedy
      : {
          text: {
            en: `Change line ${setting.line} of ${placeOf(setting.file)} to "${forwardingLine}": it is read after every other file.`,
            ja: `${placeOf(setting.file)} の ${setting.line} 行目を「${forwardingLine}」に変更してください。このファイルは最後に読み込まれます。`,
          },
          commands: ['sudo sysctl --system'],
        },
  };
}

/**
 * What has to be written so that forwarding is on at boot: a file of our own and, where a later file turns it off again, that file
 * with its line changed. A file of a package stays as it is; one of the same name in `/etc` hides it. Empty when all is well.
 */
export function forwardingEdits({ files, reader }: SysctlConfiguration): FileEdit[] {
  const edits = new Map<string, FileEdit>();
  let current = files;
  for (;;) {
    const setting = settingAtBoot(current, reader, ...sameSetting);
    if (setting?.value === '1') return [...edits.values()];
    const edit =
      setting === undefined || isBeforeOurs(setting.file, { files: current, reader })
        ? { path: forwardingFile, text: `${forwardingLine}\n` }
        : { path: editableAt(setting.file), text: withForwarding(setting.file.text) };
    edits.set(edit.path, edit);
    current = afterEdit(current, edit);
  }
}

function afterEdit(files: readonly SysctlFile[], edit: FileEdit): SysctlFile[] {
  const others = files.filter(({ path, target }) => path !== edit.path && target !== edit.path);
  const links = files
    .filter(({ target }) => target === edit.path)
    .map((link) => ({ ...link, text: edit.text }));
  return [...others, ...links, edit];
}

function isBeforeOurs(file: SysctlFile, { files, reader }: SysctlConfiguration): boolean {
  const ours = { path: forwardingFile, text: `${forwardingLine}\n` };
  const others = files.filter(({ path }) => path !== forwardingFile);
  if (file.path === forwardingFile)
    return settingAtBoot([...others, ours], reader, ...sameSetting)?.value === '1';
  return settingAtBoot([...others, ours], reader, ...sameSetting)?.file.path === forwardingFile;
}

/** Where the text of a file can be changed: behind a link in `/etc`, or in a file of the same name there that hides it. */
function editableAt({ path, target }: SysctlFile): string {
  if (target?.startsWith('/etc/')) return target;
  return path.startsWith('/etc/') ? path : `/etc/sysctl.d/${path.slice(path.lastIndexOf('/') + 1)}`;
}

function withForwarding(text: string): string {
  const pattern = /^(\s*-?\s*net[./]ipv4[./](?:ip_forward|conf[./]all[./]forwarding)\s*=[ \t]*).*$/gm;
  return text.replace(pattern, (_line, before: string) => `${before}1`);
}

function placeOf({ path, target }: SysctlFile): string {
  return target ?? path;
}

export function ipForwardingChecks(view: HostView): Check[] {
  return [
    {
      id: 'utils.ip-forwarding-now',
      title: { en: 'IPv4 forwarding now', ja: '現在の IPv4 転送' },
      why,
      run: async () => judgeForwardingNow(await view.read(forwardingNow)),
    },
    {
      id: 'utils.ip-forwarding-at-boot',
      title: { en: 'IPv4 forwarding after a restart', ja: '再起動後の IPv4 転送' },
      why,
      run: async () => judgeForwardingAtBoot(await sysctlConfigurationOf(view)),
    },
  ];
}

import type { Check, Finding } from '../../checks/check.ts';
import { type HostFile, type HostView, textOf } from './host-view.ts';
import { parseAssignments } from './parse/os-release.ts';
import { type ConfiguredProxy, configuredProxiesOf } from './proxy-settings.ts';

export type SelinuxMode = 'enforcing' | 'permissive' | 'disabled' | 'absent';

const localPorts = '/var/lib/selinux/targeted/active/ports.local';

/** TCP ports that the reference policy of SELinux gives to `http_port_t`. */
const httpPorts = new Set([80, 81, 443, 488, 8008, 8009, 8443, 9000]);

export async function selinuxModeOf(view: HostView): Promise<SelinuxMode> {
  const [now, configuration] = await Promise.all([
    textOf(view, '/sys/fs/selinux/enforce'),
    view.read('/etc/selinux/config'),
  ]);
  if (now.trim() === '1') return 'enforcing';
  if (now.trim() === '0') return 'permissive';
  if (configuration.text === undefined) return 'absent';
  const mode = parseAssignments(configuration.text).get('SELINUX')?.toLowerCase();
  // The file says what the next boot brings; where the kernel shows nothing it is off now.
  if (view.isRunning) return 'disabled';
  return mode === 'enforcing' || mode === 'permissive' ? mode : 'disabled';
}

export function judgeSelinuxMode(mode: SelinuxMode, family: 'red-hat' | 'other'): Finding {
  if (mode === 'enforcing') return { result: 'ok', found: { en: 'enforcing', ja: 'enforcing です' } };
  if (mode === 'absent' && family === 'other') {
    return {
      result: 'ok',
      found: {
        en: 'not part of this distribution, and not needed',
        ja: 'このディストリビューションでは使用しておらず、必要もありません',
      },
    };
  }
  return {
    result: 'warning',
    found:
      mode === 'permissive'
        ? {
            en: 'permissive: it only writes down what it would forbid',
            ja: 'permissive です (記録のみで、禁止はしません)',
          }
        : { en: 'off', ja: '無効です' },
    remedy: {
      commands:
        mode === 'permissive'
          ? ['sudo setenforce 1', "sudo sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /etc/selinux/config"]
          : [
              "sudo sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /etc/selinux/config",
              'sudo touch /.autorelabel',
              'sudo reboot',
            ],
    },
  };
}

/** The TCP ports that a local change of the policy (`semanage port`) has given to `http_port_t`. */
export function localHttpPorts(portsLocal: string): { from: number; to: number }[] {
  return portsLocal.split('\n').flatMap((line) => {
    const match = /^portcon tcp (\d+)(?:-(\d+))? \S*:http_port_t:/.exec(line.trim());
    if (match === null) return [];
    const from = Number(match[1]);
    return [{ from, to: Number(match[2] ?? from) }];
  });
}

/** The commands of the document: change the label of the port, or add it where the policy has none. */
export function labelPortCommands(port: number): readonly [string[], string[]] {
  const words = (change: '-m' | '-a') => [
    'semanage',
    'port',
    change,
    '-t',
    'http_port_t',
    '-p',
    'tcp',
    `${port}`,
  ];
  return [words('-m'), words('-a')];
}

export function judgeProxyPorts(
  mode: SelinuxMode,
  proxies: readonly ConfiguredProxy[],
  portsLocal: HostFile,
): Finding {
  if (proxies.length === 0)
    return { result: 'ok', found: { en: 'no proxy is set', ja: 'プロキシは設定されていません' } };
  if (mode === 'absent' || mode === 'disabled') {
    return { result: 'ok', found: { en: 'SELinux is off', ja: 'SELinux は無効です' } };
  }
  const unlabelled = unlabelledPorts(proxies, portsLocal.text ?? '');
  if (unlabelled.length === 0) {
    const ports = [...new Set(proxies.map(({ port }) => port))].join(', ');
    return {
      result: 'ok',
      found: { en: `http_port_t covers ${ports}`, ja: `http_port_t に ${ports} が含まれています` },
    };
  }
  const list = unlabelled.join(', ');
  if (portsLocal.missing === 'denied') {
    return {
      result: 'unknown',
      found: {
        en: `only root may see whether ${list} was added to http_port_t`,
        ja: `${list} が http_port_t に追加されているかの確認には root 権限が必要です`,
      },
      remedy: { commands: ['sudo semanage port -l | grep http_port_t'] },
    };
  }
  return {
    result: mode === 'enforcing' ? 'failed' : 'warning',
    found: {
      en: `the proxy's port ${list} does not belong to http_port_t`,
      ja: `プロキシのポート ${list} が http_port_t に含まれていません`,
    },
    remedy: {
      commands: unlabelled.map((port) => {
        const [change, add] = labelPortCommands(port);
        return `sudo ${change.join(' ')} || sudo ${add.join(' ')}`;
      }),
    },
  };
}

/** Ports of proxies that SELinux would not let a web client reach. */
export function unlabelledPorts(proxies: readonly ConfiguredProxy[], portsLocal: string): number[] {
  const local = localHttpPorts(portsLocal);
  const isLabelled = (port: number) =>
    httpPorts.has(port) || local.some(({ from, to }) => from <= port && port <= to);
  return [...new Set(proxies.map(({ port }) => port))].filter((port) => !isLabelled(port));
}

/** What a proxy's port needs of SELinux on a host; none where SELinux is off or the policy cannot be read. */
export async function portsToLabelOf(view: HostView, environment: NodeJS.ProcessEnv): Promise<number[]> {
  const [mode, proxies, local] = await Promise.all([
    selinuxModeOf(view),
    configuredProxiesOf(view, environment),
    view.read(localPorts),
  ]);
  if (mode === 'absent' || mode === 'disabled' || local.missing === 'denied') return [];
  return unlabelledPorts(proxies, local.text ?? '');
}

export function selinuxChecks(
  view: HostView,
  environment: NodeJS.ProcessEnv,
  isRedHat: () => Promise<boolean>,
): Check[] {
  return [
    {
      id: 'utils.selinux',
      title: { en: 'SELinux', ja: 'SELinux' },
      why: {
        en: 'Where the distribution has it, it keeps a container that was taken over away from the host.',
        ja: 'SELinux があるディストリビューションでは、侵害されたコンテナーからホストを保護します。',
      },
      run: async () => judgeSelinuxMode(await selinuxModeOf(view), (await isRedHat()) ? 'red-hat' : 'other'),
    },
    {
      id: 'utils.selinux-proxy-port',
      title: { en: "SELinux and the proxy's port", ja: 'SELinux とプロキシのポート' },
      why: {
        en: 'SELinux may forbid connections to a proxy on a port that is not a web port.',
        ja: 'Web 用ではないポートのプロキシへの接続は、SELinux に拒否されることがあります。',
      },
      run: async () => {
        const [mode, proxies, local] = await Promise.all([
          selinuxModeOf(view),
          configuredProxiesOf(view, environment),
          view.read(localPorts),
        ]);
        return judgeProxyPorts(mode, proxies, local);
      },
    },
  ];
}

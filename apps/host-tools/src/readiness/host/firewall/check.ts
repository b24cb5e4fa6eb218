import type { Check, Finding } from '../../../checks/check.ts';
import { type HostView, textOf } from '../host-view.ts';
import { parseAssignments } from '../parse/os-release.ts';
import { serviceStateOf } from '../services.ts';
import { firewalldReach, zoneFromList, zoneFromXml } from './firewalld.ts';
import { nftablesReach } from './nftables.ts';
import type { Protocol, Reach } from './reach.ts';
import { ufwReach } from './ufw.ts';

/** What one firewall does with the port. */
export type FirewallState = Readonly<{ name: FirewallName; tcp: Reach; udp: Reach }>;
type FirewallName = 'firewalld' | 'ufw' | 'nftables' | 'iptables';

/** The firewall that is in charge; undefined where none is set up. */
export async function firewallOf(view: HostView, port: number): Promise<FirewallState | undefined> {
  return (await firewalldOf(view, port)) ?? (await ufwOf(view, port)) ?? (await rulesOf(view, port));
}

async function firewalldOf(view: HostView, port: number): Promise<FirewallState | undefined> {
  const list = await view.run('firewall-cmd', '--list-all');
  if (list?.exitCode === 0) {
    const zone = zoneFromList(list.stdout);
    return stateOf('firewalld', (protocol) => firewalldReach(zone, protocol, port));
  }
  const { isEnabled } = await serviceStateOf(view, 'firewalld');
  if (!isEnabled) return undefined;
  // The rules are hidden without root, and a host that runs has more than its files say.
  if (view.isRunning) return stateOf('firewalld', () => 'unknown');
  const configuration = parseAssignments(await textOf(view, '/etc/firewalld/firewalld.conf'));
  const name = configuration.get('DefaultZone') ?? 'public';
  const own = await view.read(`/etc/firewalld/zones/${name}.xml`);
  const xml = own.text ?? (await textOf(view, `/usr/lib/firewalld/zones/${name}.xml`));
  if (xml === '') return stateOf('firewalld', () => 'unknown');
  return stateOf('firewalld', (protocol) => firewalldReach(zoneFromXml(xml), protocol, port));
}

async function ufwOf(view: HostView, port: number): Promise<FirewallState | undefined> {
  const settings = parseAssignments(await textOf(view, '/etc/ufw/ufw.conf'));
  if (settings.get('ENABLED')?.toLowerCase() !== 'yes') return undefined;
  const [rules, defaults] = await Promise.all([
    view.read('/etc/ufw/user.rules'),
    textOf(view, '/etc/default/ufw'),
  ]);
  const policy = parseAssignments(defaults).get('DEFAULT_INPUT_POLICY') ?? 'DROP';
  if (rules.text === undefined) return stateOf('ufw', () => 'unknown');
  const text = rules.text;
  return stateOf('ufw', (protocol) => ufwReach(text, policy, protocol, port));
}

async function rulesOf(view: HostView, port: number): Promise<FirewallState | undefined> {
  const ruleset = await view.run('nft', '--json', 'list', 'ruleset');
  if (ruleset !== undefined) {
    const json = ruleset.exitCode === 0 ? ruleset.stdout : '';
    return stateOf('nftables', (protocol) => nftablesReach(json, protocol, port));
  }
  const input = await view.run('iptables', '-S', 'INPUT');
  if (input !== undefined) {
    const isEmpty = input.exitCode === 0 && input.stdout.trim() === '-P INPUT ACCEPT';
    return stateOf('iptables', () => (isEmpty ? 'open' : 'unknown'));
  }
  const { isEnabled } = await serviceStateOf(view, 'nftables');
  return isEnabled ? stateOf('nftables', () => 'unknown') : undefined;
}

function stateOf(name: FirewallName, reach: (protocol: Protocol) => Reach): FirewallState {
  return { name, tcp: reach('tcp'), udp: reach('udp') };
}

const look: Readonly<Record<FirewallName, string>> = {
  firewalld: 'sudo firewall-cmd --list-all',
  ufw: 'sudo ufw status verbose',
  nftables: 'sudo nft list ruleset',
  iptables: 'sudo iptables -S INPUT',
};

function openCommands(name: FirewallName, port: number): string[] {
  if (name === 'firewalld') {
    return [
      `sudo firewall-cmd --permanent --add-port=${port}/tcp --add-port=${port}/udp`,
      'sudo firewall-cmd --reload',
    ];
  }
  if (name === 'ufw') return [`sudo ufw allow ${port}/tcp`, `sudo ufw allow ${port}/udp`];
  return [look[name]];
}

/**
 * Judges what the firewall of the host does with the port. Engines that run as root forward the ports of containers past the input
 * rules, so a closed port is certain to keep devices away only for rootless containers.
 */
export function judgeFirewall(
  state: FirewallState | undefined,
  { port, isRootless, isRunning }: { port: number; isRootless: boolean; isRunning: boolean },
): Finding {
  if (state === undefined) {
    return isRunning
      ? {
          result: 'ok',
          found: { en: 'none is set up on this host', ja: 'このサーバーには設定されていません' },
        }
      : {
          result: 'unknown',
          found: {
            en: 'none is set up in files; rules are told by the running kernel',
            ja: '設定ファイルはありません。規則は稼働中のカーネルでのみ確認できます',
          },
        };
  }
  const { name, tcp, udp } = state;
  const closed = [...(tcp === 'closed' ? ['TCP'] : []), ...(udp === 'closed' ? ['UDP'] : [])];
  if (closed.length > 0) {
    const list = closed.map((protocol) => `${protocol} ${port}`).join(', ');
    return {
      result: isRootless ? 'failed' : 'warning',
      found: isRootless
        ? { en: `${name} does not open ${list}`, ja: `${name} で ${list} が開放されていません` }
        : {
            en: `${name} does not open ${list}; container engines usually forward past it, but do not rely on that`,
            ja: `${name} で ${list} が開放されていません。通常はコンテナー エンジンが迂回して転送しますが、確実ではありません`,
          },
      remedy: { commands: openCommands(name, port) },
    };
  }
  if (tcp === 'unknown' || udp === 'unknown') {
    return {
      result: 'unknown',
      found: {
        en: `the rules of ${name} cannot be read or do not say it plainly`,
        ja: `${name} の規則を読み取れないか、規則だけでは判断できません`,
      },
      remedy: { commands: [look[name], 'sudo mst-readiness inbound'] },
    };
  }
  return {
    result: 'ok',
    found: {
      en: `${name} lets TCP and UDP ${port} in`,
      ja: `${name} は TCP と UDP の ${port} を許可しています`,
    },
  };
}

export function firewallCheck(view: HostView, port: number, isRootless: boolean): Check {
  return {
    id: 'utils.firewall',
    title: { en: 'Firewall of this host', ja: 'サーバーのファイアウォール' },
    why: {
      en: 'Devices need TCP and UDP; without UDP every tunnel is slow.',
      ja: 'デバイスには TCP と UDP の両方が必要です。UDP が通らないとトンネルが遅くなります。',
    },
    run: async () =>
      judgeFirewall(await firewallOf(view, port), { port, isRootless, isRunning: view.isRunning }),
  };
}

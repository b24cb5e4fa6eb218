import type { Check, Finding } from '../../checks/check.ts';
import { enginesOf } from './container-engine.ts';
import { distributionOf, installCommand } from './distribution.ts';
import { type HostFile, type HostView, textOf } from './host-view.ts';
import type { EngineState } from './parse/engine-versions.ts';
import type { Distribution } from './parse/os-release.ts';
import { compareVersions } from './parse/version.ts';
import { rootlessNeeds } from './support-matrix.ts';

/** The account that setup makes for the containers. */
const account = 'mstunnel';
const bytesPerGb = 2 ** 30;
/** As many ids as Podman wants for one account (useradd's own number). */
const idsWanted = 65_536;

/** Settings of the prerequisites for rootless containers, and the least value of each. */
const sysctls = [
  { name: 'net.core.somaxconn', least: 8192 },
  { name: 'net.netfilter.nf_conntrack_acct', least: 1 },
  { name: 'net.netfilter.nf_conntrack_timestamp', least: 1 },
] as const;
const lowPort = 'net.ipv4.ip_unprivileged_port_start';

export function judgeRootlessPodman(podman: EngineState | undefined, distribution: Distribution): Finding {
  const { rhel, podman: oldest, peakMbps } = rootlessNeeds;
  if (podman === undefined) {
    return {
      result: 'failed',
      found: {
        en: 'Podman is not installed; Docker is not used without root',
        ja: 'Podman がインストールされていません。ルートレスでは Docker は使用できません',
      },
      remedy: { commands: [installCommand(distribution, 'podman', 'podman')] },
    };
  }
  const found = { en: `Podman ${podman.version}`, ja: `Podman ${podman.version}` };
  if (compareVersions(podman.version, oldest) < 0) {
    return {
      result: 'failed',
      found: { en: `${found.en}; ${oldest} or later is needed`, ja: `${found.ja}。${oldest} 以降が必要です` },
      remedy: { commands: [installCommand(distribution, 'podman', 'podman')] },
    };
  }
  if (distribution.id !== 'rhel' || compareVersions(distribution.versionId, rhel) < 0) {
    return {
      result: 'warning',
      found: {
        en: `${found.en}; the original supports this only on RHEL ${rhel} or later`,
        ja: `${found.ja}。オリジナルでは RHEL ${rhel} 以降でのみサポートされています`,
      },
    };
  }
  return {
    result: 'ok',
    found: {
      en: `${found.en}; expect at most ${peakMbps} Mbit/s`,
      ja: `${found.ja}。スループットの上限は約 ${peakMbps} Mbps です`,
    },
  };
}

/** Judges the ranges of ids that an account may use in containers (subuid(5), subgid(5)). */
export function judgeSubordinateIds(
  subuid: string,
  subgid: string,
  hasHelpers: boolean,
  distribution: Distribution,
): Finding {
  if (!hasHelpers) {
    return {
      result: 'failed',
      found: {
        en: 'newuidmap and newgidmap are not installed',
        ja: 'newuidmap と newgidmap がインストールされていません',
      },
      remedy: { commands: [installCommand(distribution, 'shadow-utils', 'uidmap')] },
    };
  }
  const counts = [subuid, subgid].map(idsOf);
  const least = Math.min(...counts);
  if (least >= idsWanted) {
    return {
      result: 'ok',
      found: { en: `${least} ids for ${account}`, ja: `${account} に ${least} 個の ID があります` },
    };
  }
  return {
    result: 'warning',
    found: {
      en: `${account} has ${least} subordinate ids; mstunnel-setup gives it ${idsWanted}`,
      ja: `${account} の従属 ID は ${least} 個です。mstunnel-setup が ${idsWanted} 個を割り当てます`,
    },
    remedy: { commands: [`sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${account}`] },
  };
}

function idsOf(text: string): number {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name]) => name === account)
    .reduce((sum, [, , count]) => sum + (Number(count) || 0), 0);
}

/** Judges the kernel settings now; `read` gives the value of a name. */
export function judgeRootlessSysctls(values: ReadonlyMap<string, HostFile>, port: number): Finding {
  const wanted = [...sysctls, ...(port < 1024 ? [{ name: lowPort, least: port }] : [])];
  const missing = wanted.filter(({ name, least }) => {
    const value = Number(values.get(name)?.text ?? Number.NaN);
    return name === lowPort ? !(value <= port) : !(value >= least);
  });
  if (values.size === 0) {
    return {
      result: 'unknown',
      found: { en: 'told only by the running kernel', ja: '稼働中のカーネルでのみ確認できます' },
    };
  }
  if (missing.length === 0) {
    const list = wanted.map(({ name }) => name).join(', ');
    return { result: 'ok', found: { en: list, ja: list } };
  }
  const list = missing.map(({ name, least }) => `${name}=${least}`);
  return {
    result: 'failed',
    found: { en: `not set: ${list.join(', ')}`, ja: `設定されていません: ${list.join(', ')}` },
    remedy: {
      commands: [
        `printf '%s\\n' ${list.join(' ')} | sudo tee /etc/sysctl.d/99-zz-mstunnel-rootless.conf`,
        'sudo sysctl --system',
      ],
    },
  };
}

export function judgeHomeSpace(freeBytes: number | undefined): Finding {
  if (freeBytes === undefined) {
    return {
      result: 'unknown',
      found: { en: 'told only by the running server', ja: '稼働中のサーバーでのみ確認できます' },
    };
  }
  const free = freeBytes / bytesPerGb;
  const found = {
    en: `${free.toFixed(1)} GB free in /home, ${rootlessNeeds.homeFreeGb} GB needed`,
    ja: `/home の空き容量は ${free.toFixed(1)} GB です (${rootlessNeeds.homeFreeGb} GB 必要)`,
  };
  if (free >= rootlessNeeds.homeFreeGb) return { result: 'ok', found };
  return { result: 'failed', found, remedy: { commands: ['df -h /home'] } };
}

export function judgeLingering(accountExists: boolean, lingers: boolean): Finding {
  if (lingers) return { result: 'ok', found: { en: `on for ${account}`, ja: `${account} で有効です` } };
  if (!accountExists) {
    return {
      result: 'ok',
      found: {
        en: `mstunnel-setup turns it on when it makes ${account}`,
        ja: `mstunnel-setup が ${account} の作成時に有効にします`,
      },
    };
  }
  return {
    result: 'failed',
    found: { en: `off for ${account}`, ja: `${account} で無効です` },
    remedy: { commands: [`sudo loginctl enable-linger ${account}`] },
  };
}

/** What containers without root need, beside what all need. */
export function rootlessChecks(view: HostView, port: number): Check[] {
  return [
    {
      id: 'utils.rootless-podman',
      title: { en: 'Podman for rootless containers', ja: 'ルートレス コンテナー用の Podman' },
      why: {
        en: 'Older versions cannot run the gateway without root.',
        ja: '古いバージョンでは、root 権限なしでゲートウェイを実行できません。',
      },
      run: async () => {
        const distribution = await distributionOf(view);
        const { podman } = await enginesOf(view);
        if (podman === undefined && !view.isRunning && (await view.exists('/usr/bin/podman'))) {
          return {
            result: 'unknown',
            found: {
              en: 'installed; its version is told only where it runs',
              ja: 'インストールされています。バージョンは稼働中のサーバーでのみ確認できます',
            },
          };
        }
        return judgeRootlessPodman(podman, distribution);
      },
    },
    {
      id: 'utils.rootless-ids',
      title: { en: 'Ids for rootless containers', ja: 'ルートレス コンテナー用の ID' },
      why: {
        en: 'Users inside of the containers need ids of their own.',
        ja: 'コンテナー内のユーザーには専用の ID が必要です。',
      },
      run: async () => {
        const [subuid, subgid, uidmap, gidmap, distribution] = await Promise.all([
          textOf(view, '/etc/subuid'),
          textOf(view, '/etc/subgid'),
          view.exists('/usr/bin/newuidmap'),
          view.exists('/usr/bin/newgidmap'),
          distributionOf(view),
        ]);
        return judgeSubordinateIds(subuid, subgid, uidmap && gidmap, distribution);
      },
    },
    {
      id: 'utils.rootless-sysctl',
      title: { en: 'Kernel settings for rootless containers', ja: 'ルートレス コンテナー用のカーネル設定' },
      why: {
        en: 'Many connections at once, and a port below 1024 without root, have to be allowed.',
        ja: '多数の同時接続と、root 権限なしでの 1024 未満のポートの使用を許可する必要があります。',
      },
      run: async () => {
        const names = [...sysctls.map(({ name }) => name), lowPort];
        const read = await Promise.all(
          names.map(
            async (name) => [name, await view.read(`/proc/sys/${name.replaceAll('.', '/')}`)] as const,
          ),
        );
        return judgeRootlessSysctls(new Map(read.filter(([, file]) => file.text !== undefined)), port);
      },
    },
    {
      id: 'utils.rootless-home',
      title: { en: 'Space for rootless containers', ja: 'ルートレス コンテナー用の領域' },
      why: {
        en: 'Images of rootless containers are kept in /home.',
        ja: 'ルートレス コンテナーのイメージは /home に保存されます。',
      },
      run: async () => judgeHomeSpace(await view.freeBytes('/home')),
    },
    {
      id: 'utils.rootless-linger',
      title: { en: 'Containers without anybody logged in', ja: 'ログインなしでのコンテナーの実行' },
      why: {
        en: 'Without lingering the containers end with the last login, and do not start at boot.',
        ja: 'linger が無効だと、コンテナーは最後のログアウトで停止し、起動時にも開始されません。',
      },
      run: async () => {
        const [passwd, lingers] = await Promise.all([
          textOf(view, '/etc/passwd'),
          view.exists(`/var/lib/systemd/linger/${account}`),
        ]);
        return judgeLingering(new RegExp(`^${account}:`, 'm').test(passwd), lingers);
      },
    },
  ];
}

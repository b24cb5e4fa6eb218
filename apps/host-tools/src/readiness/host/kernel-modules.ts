import type { Check, Finding } from '../../checks/check.ts';
import { filesOf, type HostView, textOf } from './host-view.ts';
import { builtInModules, loadedModules, modulesToLoad } from './parse/kernel-modules.ts';

export type ModuleName = 'ip_tables' | 'tun';

/** Where a module is loaded at boot from when `--fix` has set it up; the names are those of the original. */
export const moduleFiles: Readonly<Record<ModuleName, string>> = {
  ip_tables: '/etc/modules-load.d/mstunnel_iptables.conf',
  tun: '/etc/modules-load.d/mstunnel_tun.conf',
};

/** modules-load.d(5); a file of an earlier folder hides the one of the same name in a later one. */
const bootFolders = [
  '/etc/modules-load.d',
  '/run/modules-load.d',
  '/usr/local/lib/modules-load.d',
  '/usr/lib/modules-load.d',
  '/lib/modules-load.d',
];

/** What is known of one module. */
export type ModuleState = Readonly<{
  /** Undefined where no kernel runs. */
  isLoaded: boolean | undefined;
  isBuiltIn: boolean;
  /** Files that load it at boot. */
  loadedBy: readonly string[];
  /** True when nftables can be used without it. */
  hasNftables: boolean;
}>;

export async function moduleStateOf(view: HostView, name: ModuleName): Promise<ModuleState> {
  const [procModules, release, works, files, nft] = await Promise.all([
    view.read('/proc/modules'),
    textOf(view, '/proc/sys/kernel/osrelease'),
    isUsable(view, name),
    bootFilesOf(view),
    name === 'ip_tables' ? view.run('nft', 'list', 'tables') : undefined,
  ]);
  const builtIn = builtInModules(await builtInText(view, release.trim()));
  const loaded = loadedModules(procModules.text ?? '');
  // A kernel without loadable modules has no list of them: what works there is part of it.
  const isWhole = view.isRunning && procModules.missing === 'absent';
  const isBuiltIn = builtIn.has(name) || (isWhole && works);
  const kernelIsKnown = view.isRunning || procModules.text !== undefined;
  return {
    isLoaded: kernelIsKnown ? loaded.has(name) || isBuiltIn || works : isBuiltIn || undefined,
    isBuiltIn,
    loadedBy: files.filter(({ modules }) => modules.includes(name)).map(({ path }) => path),
    hasNftables: loaded.has('nf_tables') || builtIn.has('nf_tables') || nft?.exitCode === 0,
  };
}

/** What shows that the kernel has the feature, whether it is a module or built in. */
async function isUsable(view: HostView, name: ModuleName): Promise<boolean> {
  if (name === 'ip_tables') return view.exists('/proc/net/ip_tables_names');
  return view.isRunning && (await view.openError('/dev/net/tun')) === undefined;
}

async function bootFilesOf(view: HostView): Promise<{ path: string; modules: string[] }[]> {
  const byName = new Map<string, { path: string; modules: string[] }>();
  for (const folder of bootFolders) {
    for (const { path, text } of await filesOf(view, folder, '.conf')) {
      const name = path.slice(folder.length + 1);
      if (!byName.has(name)) byName.set(name, { path, modules: modulesToLoad(text) });
    }
  }
  return [...byName.values()];
}

/** Of a tree the newest kernel counts, because it is the one that boots. */
async function builtInText(view: HostView, release: string): Promise<string> {
  const kernel = release === '' ? (await view.list('/lib/modules')).at(-1) : release;
  return kernel === undefined ? '' : textOf(view, `/lib/modules/${kernel}/modules.builtin`);
}

export function judgeModuleNow(name: ModuleName, { isLoaded, isBuiltIn, hasNftables }: ModuleState): Finding {
  if (isBuiltIn)
    return { result: 'ok', found: { en: 'built into the kernel', ja: 'カーネルに組み込まれています' } };
  const remedy = { commands: [`sudo modprobe ${name}`] };
  if (isLoaded === undefined) {
    return {
      result: 'unknown',
      found: { en: 'told only by the running kernel', ja: '稼働中のカーネルでのみ確認できます' },
      remedy: { commands: [`lsmod | grep ${name}`] },
    };
  }
  if (isLoaded) return { result: 'ok', found: { en: 'loaded', ja: '読み込まれています' } };
  if (name === 'ip_tables' && hasNftables) {
    return {
      result: 'warning',
      found: {
        en: 'not loaded; the gateway itself needs only nftables, which is there, but the container engine may need it',
        ja: '読み込まれていません。ゲートウェイ自体は利用可能な nftables だけで動作しますが、コンテナー エンジンが必要とする場合があります',
      },
      remedy,
    };
  }
  return { result: 'failed', found: { en: 'not loaded', ja: '読み込まれていません' }, remedy };
}

export function judgeModuleAtBoot(name: ModuleName, { isBuiltIn, loadedBy }: ModuleState): Finding {
  if (isBuiltIn)
    return { result: 'ok', found: { en: 'built into the kernel', ja: 'カーネルに組み込まれています' } };
  if (loadedBy.length > 0) {
    const files = loadedBy.join(', ');
    return { result: 'ok', found: { en: `loaded by ${files}`, ja: `${files} により読み込まれます` } };
  }
  return {
    result: 'warning',
    found: {
      en: 'no file of modules-load.d loads it',
      ja: 'modules-load.d に読み込む設定がありません',
    },
    remedy: { commands: [`echo ${name} | sudo tee ${moduleFiles[name]}`] },
  };
}

/** Judges the outcome of opening `/dev/net/tun`: undefined when it opened, else the code of the error. */
export function judgeTunDevice(errorCode: string | undefined): Finding {
  if (errorCode === undefined)
    return { result: 'ok', found: { en: 'can be opened', ja: '開くことができます' } };
  if (errorCode === 'ENOENT' || errorCode === 'ENODEV') {
    return {
      result: 'failed',
      found: { en: '/dev/net/tun is not there', ja: '/dev/net/tun がありません' },
      remedy: { commands: ['sudo modprobe tun'] },
    };
  }
  return {
    result: 'failed',
    found: {
      en: `/dev/net/tun cannot be opened (${errorCode})`,
      ja: `/dev/net/tun を開けません (${errorCode})`,
    },
    remedy: {
      text: {
        en: 'Where this is a container or a virtual server, its host has to allow the device.',
        ja: 'コンテナーまたは仮想サーバーの場合は、そのホスト側でデバイスの使用を許可してください。',
      },
      commands: ['ls -l /dev/net/tun'],
    },
  };
}

const why: Readonly<Record<ModuleName, Check['why']>> = {
  ip_tables: {
    en: 'Container engines forward and translate packets with it; RHEL does not load it by itself.',
    ja: 'コンテナー エンジンがパケットの転送と変換に使用します。RHEL では自動的に読み込まれません。',
  },
  tun: {
    en: 'The tunnels of devices end in a tun device; without it no device connects, typically after a restart.',
    ja: 'デバイスのトンネルは tun デバイスで終端します。これがないとデバイスは接続できません (再起動後によく発生します)。',
  },
};

export function kernelModuleChecks(view: HostView): Check[] {
  const names: ModuleName[] = ['ip_tables', 'tun'];
  return [
    ...names.flatMap((name): Check[] => [
      {
        id: `utils.${name.replace('_', '-')}-now`,
        title: { en: `Kernel module ${name}`, ja: `カーネル モジュール ${name}` },
        why: why[name],
        run: async () => judgeModuleNow(name, await moduleStateOf(view, name)),
      },
      {
        id: `utils.${name.replace('_', '-')}-at-boot`,
        title: { en: `${name} after a restart`, ja: `再起動後の ${name}` },
        why: why[name],
        run: async () => judgeModuleAtBoot(name, await moduleStateOf(view, name)),
      },
    ]),
    {
      id: 'utils.tun-device',
      title: { en: 'Tunnel device', ja: 'トンネル デバイス' },
      why: why.tun,
      run: async () =>
        view.isRunning
          ? judgeTunDevice(await view.openError('/dev/net/tun'))
          : {
              result: 'unknown',
              found: { en: 'told only by the running kernel', ja: '稼働中のカーネルでのみ確認できます' },
            },
    },
  ];
}

import type { Check, Finding } from '../../checks/check.ts';
import { type HostView, textOf } from './host-view.ts';

/** Judges the name of a machine as the kernel has it (`uname -m`). */
export function judgeArchitecture(machine: string | undefined): Finding {
  if (machine === undefined) {
    return {
      result: 'unknown',
      found: {
        en: 'told only by the running kernel',
        ja: '稼働中のカーネルでのみ確認できます',
      },
      remedy: { commands: ['uname -m'] },
    };
  }
  if (machine === 'x86_64') return { result: 'ok', found: { en: 'x86_64', ja: 'x86_64' } };
  return {
    result: 'failed',
    found: { en: `${machine}, not x86_64`, ja: `${machine} です (x86_64 ではありません)` },
    remedy: {
      text: {
        en: 'Use a server with a 64-bit AMD or Intel processor.',
        ja: '64 ビットの AMD または Intel プロセッサを搭載したサーバーを使用してください。',
      },
      commands: [],
    },
  };
}

/** The dynamic loader tells the architecture of a tree that does not run. */
const loaders: Readonly<Record<string, string>> = {
  '/lib64/ld-linux-x86-64.so.2': 'x86_64',
  '/lib/ld-linux-aarch64.so.1': 'aarch64',
  '/lib/ld64.so.2': 'ppc64le',
  '/lib/ld64.so.1': 's390x',
  '/lib/ld-linux.so.2': 'i686',
};

export function architectureCheck(view: HostView): Check {
  return {
    id: 'utils.architecture',
    title: { en: 'Processor architecture', ja: 'プロセッサのアーキテクチャ' },
    why: {
      en: 'The product is built for 64-bit AMD and Intel processors.',
      ja: '本製品は 64 ビットの AMD および Intel プロセッサ向けです。',
    },
    run: async () => judgeArchitecture(await machineOf(view)),
  };
}

async function machineOf(view: HostView): Promise<string | undefined> {
  // Kernels from 6.1 on have the file; the program asks the kernel on the others.
  const kernel = (await textOf(view, '/proc/sys/kernel/arch')).trim();
  if (kernel !== '') return kernel;
  const uname = await view.run('uname', '-m');
  if (uname !== undefined && uname.exitCode === 0) return uname.stdout.trim();
  for (const [path, machine] of Object.entries(loaders)) if (await view.exists(path)) return machine;
  return undefined;
}

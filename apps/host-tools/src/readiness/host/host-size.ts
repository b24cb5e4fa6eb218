import type { Check, Finding } from '../../checks/check.ts';
import { type Sizing, sizingFor } from '../sizing/sizing.ts';
import { type HostView, textOf } from './host-view.ts';

const bytesPerGb = 2 ** 30;
/** A kernel keeps some memory for itself before it counts: 4 GB are told as about 3.6. */
const countedShare = 0.85;
/** Below this the server is told as unhealthy (health metric of free disk space). */
const smallestDiskGb = 5;

/** Number of processors in `/proc/cpuinfo`. */
export function processorsIn(cpuinfo: string): number | undefined {
  const count = cpuinfo.match(/^processor\s*:/gm)?.length;
  return count === undefined || count === 0 ? undefined : count;
}

/** Memory in GB in `/proc/meminfo`. */
export function memoryGbIn(meminfo: string): number | undefined {
  const kilobytes = /^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1];
  return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / bytesPerGb;
}

export function judgeProcessors(count: number | undefined, { cpus, devices }: Sizing): Finding {
  if (count === undefined) return notRunning('nproc');
  const found = {
    en: `${count}, ${cpus} wanted for ${devices} devices`,
    ja: `${count} 個 (デバイス ${devices} 台には ${cpus} 個を推奨)`,
  };
  if (count >= cpus) return { result: 'ok', found };
  return {
    result: 'warning',
    found,
    remedy: {
      text: {
        en: `Give the server ${cpus} processors, or expect less throughput.`,
        ja: `サーバーに CPU を ${cpus} 個割り当ててください。不足するとスループットが低下します。`,
      },
      commands: [],
    },
  };
}

export function judgeMemory(gb: number | undefined, { memoryGb, devices }: Sizing): Finding {
  if (gb === undefined) return notRunning('free -h');
  const found = {
    en: `${gb.toFixed(1)} GB, ${memoryGb} GB wanted for ${devices} devices`,
    ja: `${gb.toFixed(1)} GB (デバイス ${devices} 台には ${memoryGb} GB を推奨)`,
  };
  if (gb >= memoryGb * countedShare) return { result: 'ok', found };
  return {
    result: 'warning',
    found,
    remedy: {
      text: {
        en: `Give the server ${memoryGb} GB of memory.`,
        ja: `サーバーにメモリを ${memoryGb} GB 割り当ててください。`,
      },
      commands: [],
    },
  };
}

export function judgeDisk(freeBytes: number | undefined, { diskGb }: Sizing): Finding {
  if (freeBytes === undefined) return notRunning('df -h /var/lib');
  const free = freeBytes / bytesPerGb;
  const found = {
    en: `${free.toFixed(1)} GB free in /var/lib, ${diskGb} GB wanted`,
    ja: `/var/lib の空き容量は ${free.toFixed(1)} GB です (${diskGb} GB を推奨)`,
  };
  if (free >= diskGb) return { result: 'ok', found };
  return {
    result: free < smallestDiskGb ? 'failed' : 'warning',
    found,
    remedy: {
      text: {
        en: 'Free space or enlarge the disk; images and logs need it.',
        ja: '空き容量を確保するか、ディスクを拡張してください。イメージとログに必要です。',
      },
      commands: ['df -h /var/lib'],
    },
  };
}

function notRunning(command: string): Finding {
  return {
    result: 'unknown',
    found: { en: 'told only by the running server', ja: '稼働中のサーバーでのみ確認できます' },
    remedy: { commands: [command] },
  };
}

/** Checks of one server against the size for a number of devices of its site. */
export function hostSizeChecks(view: HostView, devices: number): Check[] {
  const sizing = sizingFor(devices);
  const why = {
    en: `By the sizing table a site of ${devices} devices needs ${sizing.servers === 1 ? 'one such server' : `${sizing.servers} such servers`}.`,
    ja: `サイズ表では、デバイス ${devices} 台のサイトにこの規模のサーバーが ${sizing.servers} 台必要です。`,
  };
  return [
    {
      id: 'utils.cpus',
      title: { en: 'Processors', ja: 'CPU の数' },
      why,
      run: async () => judgeProcessors(processorsIn(await textOf(view, '/proc/cpuinfo')), sizing),
    },
    {
      id: 'utils.memory',
      title: { en: 'Memory', ja: 'メモリ' },
      why,
      run: async () => judgeMemory(memoryGbIn(await textOf(view, '/proc/meminfo')), sizing),
    },
    {
      id: 'utils.disk',
      title: { en: 'Disk space', ja: 'ディスク領域' },
      why,
      run: async () => judgeDisk(await view.freeBytes('/var/lib'), sizing),
    },
  ];
}

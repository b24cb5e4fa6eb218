import { existsSync } from 'node:fs';
import { runProgram } from '../../container-engine/run-program.ts';
import type { Localized } from '../../program/language.ts';
import type { Reader } from './places.ts';

/** One step after a change, and what it does to people. */
export interface RestartStep {
  words: readonly string[];
  effect: Localized;
}

const restartMilliseconds = 300_000;

/**
 * What has to be started again for the readers of changed files, in order. The monitor makes containers anew whose `env.sh` has
 * changed.
 */
export function restartSteps(readers: ReadonlySet<Reader>): RestartStep[] {
  const steps: RestartStep[] = [];
  if (readers.has('docker') || readers.has('monitor')) {
    steps.push({
      words: ['systemctl', 'daemon-reload'],
      effect: { en: 'systemd reads the files', ja: 'systemd がファイルを読み込みます' },
    });
  }
  if (readers.has('docker')) {
    steps.push({
      words: ['systemctl', 'restart', 'docker'],
      effect: {
        en: 'Docker uses the proxy; tunnels end and devices connect again',
        ja: 'Docker に反映します (トンネルは切断され、デバイスは再接続します)',
      },
    });
  }
  if (readers.has('monitor') || readers.has('containers')) {
    steps.push({
      words: ['systemctl', 'restart', 'mstunnel_monitor'],
      effect: {
        en: 'the monitor uses the proxy and makes the containers anew; tunnels end and devices connect again',
        ja: 'モニターに反映し、コンテナーを再作成します (トンネルは切断され、デバイスは再接続します)',
      },
    });
  }
  return steps;
}

/** True where systemd is the first process of the host (sd_booted(3)). */
export const hasSystemd = () => existsSync('/run/systemd/system');

/** Runs a step; resolves to what went wrong, or undefined. */
export async function runStep({ words }: RestartStep): Promise<string | undefined> {
  try {
    const { status, stderr } = await runProgram(words, { timeoutMilliseconds: restartMilliseconds });
    return status === 0 ? undefined : stderr.trim() || `status ${status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

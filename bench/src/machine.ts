import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { attempt } from '@culvert/lab/system/command.ts';

/** On what the numbers were measured; they mean nothing without it. */
export interface Machine {
  cores: number;
  model: string;
  memoryGib: number;
  kernel: string;
  distribution: string;
  node: string;
  openconnect: string;
  ocserv: string;
  iperf3: string;
}

async function firstMatch(command: readonly string[], pattern: RegExp): Promise<string> {
  const { stdout, stderr } = await attempt(command);
  return pattern.exec(stdout + stderr)?.[1] ?? 'unknown';
}

export async function describeMachine(): Promise<Machine> {
  return {
    cores: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    distribution: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown',
    node: process.version,
    openconnect: await firstMatch(['openconnect', '--version'], /version (\S+)/),
    ocserv: await firstMatch(['ocserv', '--version'], /(\d+\.\d+\.\d+)/),
    iperf3: await firstMatch(['iperf3', '--version'], /iperf (\S+)/),
  };
}

export function describeInOneLine(machine: Machine): string {
  return (
    `${machine.cores} cores (${machine.model}), ${machine.memoryGib} GiB, Linux ${machine.kernel}, ` +
    `${machine.distribution}; openconnect ${machine.openconnect}, ocserv ${machine.ocserv}, ` +
    `iperf3 ${machine.iperf3}, Node ${machine.node}`
  );
}

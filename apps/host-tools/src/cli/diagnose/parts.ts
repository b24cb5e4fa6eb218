import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSea } from 'node:sea';
import { monitoredProcesses } from '@culvert/contracts';
import { reportsAsJson } from '../../checks/show-reports.ts';
import type { ContainerEngine } from '../../container-engine/container-engine.ts';
import { runProgram } from '../../container-engine/run-program.ts';
import { Failure } from '../../program/failure.ts';
import type { CliContext } from '../commands.ts';
import { containerNames } from '../container-names.ts';
import { engineOf } from '../engine.ts';
import { healthReports } from '../health/health.ts';
import { Gateway } from '../local-service/gateway.ts';
import { readVersions } from '../version.ts';
import { listGuarded, readGuarded } from './guarded-file.ts';
import { redactDocument, redactInspect, redactLog, redactVariables } from './redact.ts';

/** One file of the archive. */
export interface Part {
  name: string;
  /** Its text without secrets; undefined when there is nothing of it on this server. Rejects when it cannot be told. */
  collect(): Promise<string | undefined>;
}

const mostFileBytes = 1 << 20;
/** Of each log; the newest lines say most. */
const mostLogBytes = 4 << 20;
const logLines = '5000';
const programMilliseconds = 20_000;

/** Files of the product without keys, and how secrets in them are found. Nothing below `private` is ever read. */
const configurationFiles: readonly [string, (text: string) => string][] = [
  ['env.sh', redactVariables],
  ['gateway.json', redactDocument],
  ['admin-settings.json', redactDocument],
  ['agent-info.json', redactDocument],
  ['version-info.json', redactDocument],
  ['images_configured', redactDocument],
];

/** Files of the host that say how its engine, its kernel and its proxy are set up. */
const hostFiles: readonly [string, (text: string) => string][] = [
  ['/etc/os-release', redactLog],
  ['/etc/environment', redactVariables],
  ['/etc/profile.d/http_proxy.sh', redactVariables],
  ['/etc/docker/daemon.json', redactDocument],
  ['/etc/containers/containers.conf', redactLog],
  ['/etc/containers/networks/podman.json', redactDocument],
  ['/etc/cni/net.d/87-podman-bridge.conflist', redactDocument],
  ['/etc/modules-load.d/mstunnel_iptables.conf', redactLog],
  ['/etc/modules-load.d/mstunnel_tun.conf', redactLog],
  ['/etc/systemd/system/mstunnel_monitor.service', redactLog],
  ['/proc/version', redactLog],
  ['/proc/cmdline', redactVariables],
  ['/proc/meminfo', redactLog],
  ['/proc/loadavg', redactLog],
  ['/proc/modules', redactLog],
  ['/proc/net/route', redactLog],
  ['/proc/sys/net/ipv4/ip_forward', redactLog],
];

/** Programs of the host that only look. */
const programs: readonly [string, readonly string[]][] = [
  ['addresses', ['ip', 'address']],
  ['routes', ['ip', 'route', 'show', 'table', 'all']],
  ['firewall', ['nft', 'list', 'ruleset']],
  ['sockets', ['ss', '-lntu']],
  ['disks', ['df', '-h']],
  ['journal', ['journalctl', '-u', 'mstunnel_monitor', '--no-pager', '-n', logLines]],
];

/** Everything that an archive may hold. */
export function diagnosisParts(context: CliContext): Part[] {
  const place = context.server();
  const { layout } = place;
  const gateway = new Gateway(place);
  const json = (value: unknown) => redactDocument(JSON.stringify(value));
  return [
    { name: 'versions.json', collect: async () => json(await readVersions(context)) },
    { name: 'health.json', collect: async () => reportsAsJson(await healthReports(context), 'en') },
    { name: 'gateway-status.json', collect: async () => json(await gateway.status()) },
    ...['utils', 'network'].map((group) => ({
      name: `readiness-${group}.json`,
      collect: () => ownReport(['mst-readiness', group, '--json', '--lang', 'en']),
    })),
    ...configurationFiles.map(([name, redact]) => ({
      name: `configuration/${name}`,
      collect: async () => mapText(readGuarded(layout.directory, [name], mostFileBytes), redact),
    })),
    ...hostFiles.map(([path, redact]) => ({
      name: `host${path}`,
      collect: async () => mapText(await readHostFile(path), redact),
    })),
    ...dropIns().map((path) => ({
      name: `host${path}`,
      collect: async () => mapText(await readHostFile(path), redactUnit),
    })),
    ...programs.map(([name, words]) => ({ name: `host/${name}.txt`, collect: () => programOutput(words) })),
    ...logParts('logs', layout.directory, 'log'),
    ...(layout.monitor.logDirectory.startsWith(layout.directory)
      ? []
      : logParts('logs/monitor', layout.monitor.logDirectory)),
    ...(place.hasContainers ? containerParts(() => engineOf(place)) : []),
  ];
}

function mapText(text: string | undefined, redact: (text: string) => string): string | undefined {
  return text === undefined ? undefined : redact(text);
}

/** Values of `Environment=` are treated like variables. */
function redactUnit(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const match = /^(\s*Environment\s*=\s*"?)([^"]*)(.*)$/.exec(line);
      return match === null ? redactLog(line) : `${match[1]}${redactVariables(match[2] ?? '')}${match[3]}`;
    })
    .join('\n');
}

function dropIns(): string[] {
  return ['docker', 'mstunnel_monitor'].flatMap((unit) => {
    const directory = `/etc/systemd/system/${unit}.service.d`;
    try {
      return readdirSync(directory)
        .filter((name) => name.endsWith('.conf'))
        .map((name) => join(directory, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** Files of `/proc` have no size, and those of the host may be of any. */
async function readHostFile(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).slice(-mostFileBytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function logParts(folder: string, directory: string, ...names: string[]): Part[] {
  let found: string[];
  try {
    found = listGuarded(directory, names);
  } catch (error) {
    // A link in its place, for example: told like any other part that cannot be.
    return [{ name: folder, collect: () => Promise.reject(error) }];
  }
  return found
    .filter((name) => /\.(jsonl|log)(\.\d+)?$/.test(name))
    .map((name) => ({
      name: `${folder}/${name}`,
      collect: async () => mapText(readGuarded(directory, [...names, name], mostLogBytes), redactLog),
    }));
}

function containerParts(engine: () => Promise<ContainerEngine>): Part[] {
  return [
    {
      name: 'containers/engine.txt',
      collect: async () => redactLog(await (await engine()).ask(['version'])),
    },
    {
      name: 'containers/list.txt',
      collect: async () => redactLog(await (await engine()).ask(['ps', '--all'])),
    },
    { name: 'containers/images.txt', collect: async () => redactLog(await (await engine()).ask(['images'])) },
    ...monitoredProcesses.flatMap((process) => {
      const container = containerNames[process];
      return [
        {
          name: `containers/${container}.json`,
          collect: async () => redactInspect(await (await engine()).ask(['inspect', container])),
        },
        {
          name: `containers/${container}.log`,
          collect: async () => redactLog(await (await engine()).recentLog(container, Number(logLines))),
        },
      ];
    }),
  ];
}

async function programOutput(words: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await runProgram(words, { timeoutMilliseconds: programMilliseconds });
    return redactLog(`${stdout}${stderr}`.slice(-mostLogBytes));
  } catch (error) {
    // A host without this program.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs another tool of this executable; its status says that something is not ready, which is no failure here. */
async function ownReport(words: readonly string[]): Promise<string> {
  const self = isSea() ? [process.execPath] : [process.execPath, process.argv[1] ?? ''];
  const { status, stdout, stderr } = await runProgram([...self, ...words], {
    timeoutMilliseconds: programMilliseconds,
  });
  if (status > 1) throw new Failure({ en: stderr.trim(), ja: stderr.trim() });
  return redactDocument(stdout);
}

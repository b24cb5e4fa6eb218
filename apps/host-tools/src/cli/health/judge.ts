import type { AgentStatus, GatewayStatus, MonitoredProcess, MonitorStatus } from '@culvert/contracts';
import { formatDuration } from '@culvert/terminal-text/quantities.ts';
import { printable } from '@culvert/terminal-text/table.ts';
import type { Finding } from '../../checks/check.ts';
import type { ContainerState } from '../../container-engine/container-engine.ts';
import { Failure } from '../../program/failure.ts';

const day = 86_400_000;
/** An agent checks in each minute; the control plane takes a server for offline after this. */
const lateCheckIn = 5 * 60_000;
/** Once may be an update of the host; more in one hour is a process that cannot stay. */
const manyEndings = 3;
/** Free space of the health rules of the control plane: below the first it is bad, below the second a warning. */
const diskBytes = { least: 3e9, little: 5e9 };
const certificateDays = { least: 7, little: 30 };

/** The finding of a part that does not answer. Rethrows what is no answer to anything. */
export function notAnswering(error?: unknown): Finding {
  if (error === undefined)
    return { result: 'unknown', found: { en: 'a part does not answer', ja: '応答がない部分があります' } };
  if (!(error instanceof Failure)) throw error;
  return { result: 'failed', found: error.text };
}

export function judgeGateway({ engine, sessions }: GatewayStatus): Finding {
  if (!engine.connected) {
    return {
      result: 'failed',
      found: { en: 'the engine does not run', ja: 'エンジンが実行されていません' },
      remedy: { commands: ['mst-cli server logs --tail 50', 'mst-cli server restart'] },
    };
  }
  const { connected, away, capacity } = sessions;
  if (connected + away >= capacity) {
    return {
      result: 'failed',
      found: {
        en: `all ${capacity} sessions are taken; nobody else can sign in`,
        ja: `${capacity} 件のセッションがすべて使用中で、新しいサインインができません`,
      },
      remedy: {
        text: {
          en: 'Give the server configuration a larger network, or add a server.',
          ja: 'サーバー構成のネットワークを拡張するか、サーバーを追加してください。',
        },
        commands: [],
      },
    };
  }
  return {
    result: 'ok',
    found: { en: `${connected} devices connected`, ja: `${connected} 台のデバイスが接続中です` },
  };
}

export function judgeAgent({ serverId, lastCheckInAt, problem }: AgentStatus, now: number): Finding {
  const remedy = { commands: ['mst-readiness network', 'mst-cli agent logs --tail 50'] };
  if (serverId === undefined) {
    return {
      result: 'failed',
      found: { en: 'this server has not joined a site', ja: 'このサーバーはサイトに参加していません' },
      remedy: { commands: ['mstunnel-setup'] },
    };
  }
  if (problem !== undefined) {
    const reason = printable(problem);
    return { result: 'failed', found: { en: reason, ja: reason }, remedy };
  }
  if (lastCheckInAt === undefined) {
    return {
      result: 'warning',
      found: { en: 'no check-in yet since the start', ja: '起動後、まだチェックインしていません' },
      remedy,
    };
  }
  const age = formatDuration(now - Date.parse(lastCheckInAt));
  if (now - Date.parse(lastCheckInAt) > lateCheckIn) {
    return {
      result: 'failed',
      found: { en: `the last check-in was ${age} ago`, ja: `最後のチェックインは ${age} 前です` },
      remedy,
    };
  }
  return { result: 'ok', found: { en: `last check-in ${age} ago`, ja: `最後のチェックイン: ${age} 前` } };
}

/** `notAfter` in Unix time in milliseconds, or why it could not be seen. */
export function judgeCertificate(served: { notAfter: number } | { reason: string }, now: number): Finding {
  if ('reason' in served) {
    const reason = printable(served.reason);
    return {
      result: 'unknown',
      found: { en: `it could not be seen: ${reason}`, ja: `確認できませんでした: ${reason}` },
    };
  }
  const days = Math.floor((served.notAfter - now) / day);
  const date = new Date(served.notAfter).toISOString().slice(0, 10);
  const found = { en: `${days} days left, until ${date}`, ja: `残り ${days} 日 (${date} まで)` };
  if (days >= certificateDays.little) return { result: 'ok', found };
  const remedy = {
    text: {
      en: 'Get a new one, put it in its place, and then:',
      ja: '新しい証明書を取得して配置した後、次を実行してください:',
    },
    commands: ['mst-cli import_cert'],
  };
  if (served.notAfter <= now)
    return {
      result: 'failed',
      found: { en: `it has expired on ${date}`, ja: `${date} に期限が切れました` },
      remedy,
    };
  return { result: days < certificateDays.least ? 'failed' : 'warning', found, remedy };
}

export function judgeMonitor({ version, processes, upgrade }: MonitorStatus): Finding {
  const looping = Object.entries(processes).filter(([, { endings }]) => endings >= manyEndings);
  if (looping.length > 0) {
    const list = looping.map(([name, { endings }]) => `${name} (${endings})`).join(', ');
    return {
      result: 'failed',
      found: {
        en: `ended by themselves in the last hour: ${list}`,
        ja: `直近 1 時間に異常終了したプロセス: ${list}`,
      },
      remedy: { commands: looping.map(([name]) => `mst-cli ${name} logs --tail 100`) },
    };
  }
  if (upgrade?.state === 'failed') {
    const reason = printable(upgrade.reason ?? '');
    return {
      result: 'warning',
      found: {
        en: `the upgrade to ${upgrade.version} failed, ${version} runs: ${reason}`,
        ja: `${upgrade.version} へのアップグレードに失敗し、${version} で動作しています: ${reason}`,
      },
      remedy: { commands: ['mst-cli diagnose'] },
    };
  }
  if (upgrade?.state === 'running') {
    return {
      result: 'ok',
      found: { en: `upgrading to ${upgrade.version}`, ja: `${upgrade.version} へアップグレード中です` },
    };
  }
  return { result: 'ok', found: { en: `version ${version}`, ja: `バージョン ${version}` } };
}

export function judgeContainer(name: MonitoredProcess, { state, health }: ContainerState): Finding {
  if (state === 'missing') {
    return {
      result: 'failed',
      found: { en: 'there is none', ja: 'コンテナーがありません' },
      remedy: { commands: ['mst-cli install'] },
    };
  }
  if (state !== 'running') {
    return {
      result: 'failed',
      found: { en: state, ja: state },
      remedy: { commands: [`mst-cli ${name} start`] },
    };
  }
  const found = { en: `running, ${health}`, ja: `running、${health}` };
  if (health !== 'unhealthy') return { result: 'ok', found };
  return {
    result: 'failed',
    found,
    remedy: { commands: [`mst-cli ${name} logs --tail 50`, `mst-cli ${name} restart`] },
  };
}

export function judgeVersions(gateway: GatewayStatus, agent: AgentStatus): Finding {
  const engine = gateway.engine.version ?? '-';
  const list = `gateway ${gateway.version}, engine ${engine}, agent ${agent.version}`;
  const found = { en: list, ja: list };
  if (gateway.version === agent.version) return { result: 'ok', found };
  return { result: 'warning', found, remedy: { commands: ['mst-cli upgrade'] } };
}

export function judgeDisk(freeBytes: number): Finding {
  const gigabytes = (freeBytes / 1e9).toFixed(1);
  const found = { en: `${gigabytes} GB free`, ja: `空き ${gigabytes} GB` };
  if (freeBytes >= diskBytes.little) return { result: 'ok', found };
  const result = freeBytes < diskBytes.least ? 'failed' : 'warning';
  return { result, found, remedy: { commands: ['du -xh --max-depth 2 /var | sort -h | tail'] } };
}

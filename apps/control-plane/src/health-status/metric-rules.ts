import type { HealthMetric } from '@culvert/contracts';
import { thresholdKinds } from '../health-thresholds/thresholds.ts';
import type { Bands, Bound } from './bands.ts';

/** What a metric means for the health of a server. The only place where that is written down. */
export interface MetricRule {
  title: { en: string; ja: string };
  /** Written behind a value, with its space. */
  unit: string;
  /** Names of the values of a metric that is no quantity, from 0 on. */
  names?: readonly { en: string; ja: string }[];
  /** Absent for a metric that informs only. */
  bands?: Bands;
  /** Percentages are judged as they are shown, in whole numbers: 99.4 is not yet 100. */
  isJudgedWhole?: true;
  /** Whether its warning makes the server one with a warning. */
  warns?: true;
  /** What the administrator does when it is not healthy, with the command. */
  remedy: string;
  /** What the administrator does when the server could not measure it; without one it is the other. */
  remedyWhenUnknown?: string;
}

/** Seconds without a check-in after which a server is offline. */
export const offlineAfterSeconds = 300;

/**
 * Share of its capacity that a server may use and be healthy. The original calls a server unhealthy above 4,990 of 5,000
 * connections, and elsewhere promises 64,000 for each; here the limit follows what the server can really hold.
 */
export const healthyShareOfCapacity = 4990 / 5000;

const upTo = (value: number): Bound => ({ value, isIncluded: true });
const from = upTo;
const below = (value: number): Bound => ({ value, isIncluded: false });
const above = below;

/** The bounds of a metric whose thresholds administrators can change, with their defaults. */
function adjustable(id: keyof typeof thresholdKinds, bound: (value: number) => Bound): Bands {
  const kind = thresholdKinds[id];
  if (kind === undefined) throw new Error(`there is no threshold ${id}`);
  return {
    better: kind.direction === 'most' ? 'low' : 'high',
    healthy: bound(kind.defaultHealthyThreshold),
    warning: upTo(kind.defaultUnhealthyThreshold),
  };
}

const notReachable = [
  { en: 'not reachable', ja: '到達できません' },
  { en: 'reachable', ja: '到達できます' },
];

const gatewayFirst =
  'when the gateway is away, look at "Server container" first; the reason says what kept it from being measured';

/** Every metric, in the order in which they are shown: the table of the original's documentation. */
export const metricRules: Readonly<Record<HealthMetric, MetricRule>> = {
  lastCheckInAge: {
    title: { en: 'Last check-in', ja: '最後のチェックイン' },
    unit: ' s',
    bands: { better: 'low', healthy: upTo(offlineAfterSeconds) },
    remedy:
      'on the server run "npm run agent -- status": it says whether the agent runs and what keeps it from the control plane; users stay connected meanwhile',
  },
  currentConnections: {
    title: { en: 'Connections', ja: '接続数' },
    unit: '',
    // Of the capacity; see healthyShareOfCapacity.
    bands: { better: 'low', healthy: upTo(healthyShareOfCapacity) },
    remedyWhenUnknown: gatewayFirst,
    remedy:
      'add a server to the site, or enlarge "network" of its server configuration so that the pool has more addresses',
  },
  throughput: {
    title: { en: 'Throughput', ja: 'スループット' },
    unit: ' kbit/s',
    remedy: 'nothing needs to be done',
  },
  cpuUsage: {
    title: { en: 'CPU usage', ja: 'CPU 使用率' },
    unit: ' %',
    bands: adjustable('cpuUsage', upTo),
    isJudgedWhole: true,
    warns: true,
    remedy:
      'on the server run "top" to see what takes the processors; add processors, or a server to the site',
  },
  cpuCores: {
    title: { en: 'CPU cores', ja: 'CPU コア数' },
    unit: '',
    bands: { better: 'high', healthy: from(4), warning: from(1) },
    remedy: 'give the server at least 4 processors; fewer carry less traffic',
  },
  memoryUsage: {
    title: { en: 'Memory usage', ja: 'メモリ使用率' },
    unit: ' %',
    bands: adjustable('memoryUsage', upTo),
    isJudgedWhole: true,
    warns: true,
    remedy:
      'on the server run "top -o %MEM" to see what takes the memory; add memory, or a server to the site',
  },
  diskFree: {
    title: { en: 'Free disk space', ja: 'ディスクの空き容量' },
    unit: ' GB',
    bands: adjustable('diskFree', above),
    remedy:
      'on the server run "df -h" and "du -xh / | sort -h | tail" and remove what is not needed, or enlarge the disk',
  },
  latency: {
    title: { en: 'Latency', ja: 'レイテンシ' },
    unit: ' ms',
    bands: adjustable('latency', below),
    warns: true,
    remedyWhenUnknown: gatewayFirst,
    remedy:
      'look at CPU usage and throughput of the server: packets wait when either is at its limit; add a server to the site',
  },
  agentCertificateDaysLeft: {
    title: { en: 'Management agent certificate', ja: '管理エージェントの証明書' },
    unit: ' days left',
    bands: { better: 'high', healthy: from(30), warning: above(0) },
    remedyWhenUnknown:
      'nothing needs to be done in the first minutes after joining; later run "npm run agent -- status" on the server',
    remedy:
      'the agent renews it by itself; if it stays, see "npm run agent -- status" on the server, and once it has expired let the server join again with a new join token: nothing is reinstalled and no tunnel is dropped',
  },
  tlsCertificateDaysLeft: {
    title: { en: 'TLS certificate', ja: 'TLS 証明書' },
    unit: ' days left',
    bands: { better: 'high', healthy: above(30), warning: above(0) },
    warns: true,
    remedyWhenUnknown: gatewayFirst,
    remedy:
      'put a new certificate with its key and chain into the files that gateway.json of the server names, then run "npm run gateway -- reload" there',
  },
  tlsCertificateRevoked: {
    title: { en: 'TLS certificate revocation', ja: 'TLS 証明書の失効' },
    unit: '',
    names: [
      { en: 'not revoked', ja: '失効していません' },
      { en: 'cannot be told', ja: '確認できません' },
      { en: 'revoked', ja: '失効しています' },
    ],
    bands: { better: 'low', healthy: upTo(0), warning: upTo(1) },
    remedyWhenUnknown:
      'nothing needs to be done when the certificate names no address to ask; otherwise the reason says what to mend',
    remedy:
      'when it cannot be told, let the server reach the OCSP or CRL address of the certificate (often plain HTTP); when it is revoked, put a new certificate in place and run "npm run gateway -- reload"',
  },
  internalNetworkReachable: {
    title: { en: 'Internal network', ja: '内部ネットワーク' },
    unit: '',
    names: notReachable,
    bands: { better: 'high', healthy: from(1) },
    remedy:
      'on the server run "curl -v" with the internalNetworkProbeUrl of the site: DNS, routes, a firewall or that service itself may be the reason; correct the address at the site if it is not the right one',
  },
  imageRegistryReachable: {
    title: { en: 'Upgradeability', ja: 'アップグレードの可否' },
    unit: '',
    names: notReachable,
    bands: { better: 'high', healthy: from(1) },
    remedy:
      'let the server reach the registry of the releases, through its proxy if there is one; until then it cannot be upgraded',
  },
  versionsBehind: {
    title: { en: 'Server version', ja: 'サーバーのバージョン' },
    unit: ' releases behind',
    bands: { better: 'low', healthy: upTo(0), warning: upTo(1) },
    warns: true,
    remedy:
      'upgrade the site: POST …/microsoftTunnelSites/ID/requestUpgrade, or let it upgrade automatically; two or more releases behind are not supported',
  },
  serverContainerHealthy: {
    title: { en: 'Server container', ja: 'サーバーコンテナー' },
    unit: '',
    names: [
      { en: 'not healthy', ja: '正常ではありません' },
      { en: 'healthy', ja: '正常です' },
    ],
    bands: { better: 'high', healthy: from(1) },
    remedy:
      'on the server run "npm run gateway -- status" and read its log; the command restartServer starts it again',
  },
  configurationApplied: {
    title: { en: 'Server configuration', ja: 'サーバー構成' },
    unit: '',
    names: [
      { en: 'could not be applied', ja: '適用できませんでした' },
      { en: 'applied', ja: '適用済みです' },
    ],
    bands: { better: 'high', healthy: from(1) },
    remedy:
      'correct the server configuration as the reason says; meanwhile the server runs on with the last one that worked',
  },
  logsUploaded: {
    title: { en: 'Server logs', ja: 'サーバーログ' },
    unit: ' min since the last',
    bands: { better: 'low', healthy: upTo(60) },
    remedy: 'on the server run "npm run agent -- status": it says why logs are not sent',
  },
};

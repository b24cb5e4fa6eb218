import { describe, expect, it } from 'vitest';
import { hostBelow } from './host-root.ts';
import { engineOutputs, fixtureDistributions, makeTree, recordedHost } from './testing/distributions.ts';
import { judge, type Results, resultsOf } from './testing/judge.ts';

/** What every host of the fixtures shows as it comes from its installer, with its engine installed. */
const fresh: Results = {
  architecture: 'ok',
  distribution: 'ok',
  'container-engine': 'ok',
  'user-namespace-remap': 'ok',
  'ip-tables-now': 'warning',
  'ip-tables-at-boot': 'warning',
  'tun-now': 'failed',
  'tun-at-boot': 'warning',
  'tun-device': 'failed',
  'ip-forwarding-now': 'failed',
  'ip-forwarding-at-boot': 'warning',
  auditd: 'warning',
  selinux: 'ok',
  'selinux-proxy-port': 'ok',
  cpus: 'ok',
  memory: 'ok',
  disk: 'ok',
  'bridge-networks': 'ok',
  'network-interfaces': 'ok',
  firewall: 'ok',
  clock: 'unknown',
  port: 'ok',
};

/** RHEL has auditd and firewalld, whose rules nobody tells here. */
const redHat: Results = { ...fresh, firewall: 'unknown' };
/** Ubuntu has tun in its kernel, and its systemd loads ip_tables. */
const ubuntu: Results = { ...fresh, 'ip-tables-now': 'ok', 'tun-now': 'ok', 'tun-at-boot': 'ok' };

const expected: Readonly<Record<string, Results>> = {
  'CentOS 7.9': { ...redHat, distribution: 'failed', 'ip-tables-now': 'ok' },
  'RHEL 7.4': { ...redHat, distribution: 'failed', 'ip-tables-now': 'ok' },
  'RHEL 7.9': { ...redHat, distribution: 'failed', 'ip-tables-now': 'ok' },
  'RHEL 8.6': { ...redHat, distribution: 'failed' },
  'RHEL 8.7': { ...redHat, distribution: 'warning' },
  'RHEL 8.8': { ...redHat, distribution: 'warning' },
  'RHEL 8.9': { ...redHat, distribution: 'failed' },
  'RHEL 8.10': redHat,
  'RHEL 9.0': { ...redHat, distribution: 'failed' },
  'RHEL 9.1': { ...redHat, distribution: 'warning' },
  'RHEL 9.2': { ...redHat, distribution: 'warning' },
  'RHEL 9.3': { ...redHat, distribution: 'failed' },
  'RHEL 9.4': { ...redHat, distribution: 'failed' },
  'RHEL 9.5': redHat,
  'RHEL 9.6': redHat,
  'RHEL 9.7': redHat,
  'RHEL 9.8': redHat,
  'RHEL 10.0': redHat,
  'RHEL 10.1': redHat,
  'RHEL 10.2': redHat,
  'Ubuntu 18.04': { ...ubuntu, distribution: 'failed' },
  'Ubuntu 20.04': { ...ubuntu, distribution: 'warning' },
  'Ubuntu 22.04': { ...ubuntu, distribution: 'warning' },
  'Ubuntu 24.04': ubuntu,
  'Ubuntu 26.04': ubuntu,
  'Debian 12': { ...fresh, distribution: 'warning' },
};

describe.each(fixtureDistributions)('$name as its installer leaves it', (distribution) => {
  it('is judged check by check', async () => {
    using tree = makeTree(distribution);
    const reports = await judge(recordedHost(tree.root, engineOutputs(distribution)));
    expect(resultsOf(reports)).toEqual(expected[distribution.name]);
  });

  it('is judged from a tree alone, without a program and without a claim about what runs', async () => {
    using tree = makeTree(distribution);
    const reports = await judge(hostBelow(tree.root));
    expect(reports.get('distribution')?.result).toBe(expected[distribution.name]?.distribution);
    expect(reports.get('container-engine')?.result).toBe('unknown');
    expect(reports.get('disk')?.result).toBe('unknown');
    expect(reports.get('tun-device')?.result).toBe('unknown');
    expect(reports.get('ip-forwarding-at-boot')?.result).toBe('warning');
  });
});

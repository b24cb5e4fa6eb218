import { describe, expect, it } from 'vitest';
import { engineOutputs, fixture, makeTree, recordedHost, recordedOutput } from './testing/distributions.ts';
import { judge, judgeWith, resultsOf } from './testing/judge.ts';

describe('a host with something set', () => {
  it('names the row of the matrix, its note about ip_tables and the change from Podman 3', async () => {
    const reports = await judgeWith('RHEL 9.6', {});
    expect(reports.get('distribution')?.found.en).toContain('listed with Podman 5.4.0');
    expect(reports.get('distribution')?.found.en).toContain('ip_tables');
    expect(reports.get('distribution')?.found.en).toContain('Podman 3');
    expect(reports.get('distribution')?.found.ja).toContain('Podman 3');
  });

  it('is supported through the last month of its support and not a day longer', async () => {
    const last = await judgeWith('RHEL 9.4', {}, { now: new Date('2025-11-30T23:59:59Z') });
    expect(last.get('distribution')?.result).toBe('warning');
    const after = await judgeWith('RHEL 9.4', {}, { now: new Date('2025-12-01T00:00:00Z') });
    expect(after.get('distribution')?.result).toBe('failed');
    expect(after.get('distribution')?.found.en).toContain('2025-11');
  });

  it('forwards after a restart when a line of sysctl.conf says so, through the link that systemd reads', async () => {
    const reports = await judgeWith('Ubuntu 24.04', { '/etc/sysctl.conf': '#\nnet.ipv4.ip_forward=1\n' });
    expect(reports.get('ip-forwarding-at-boot')).toMatchObject({ result: 'ok' });
    expect(reports.get('ip-forwarding-at-boot')?.found.en).toBe('on, by /etc/sysctl.conf:2');
  });

  it('names the later file that turns forwarding off again', async () => {
    const reports = await judgeWith('RHEL 9.6', {
      '/etc/sysctl.d/50-forward.conf': 'net.ipv4.ip_forward = 1\n',
      '/etc/sysctl.d/zz-hardening.conf': '# CIS 3.1.1\nnet/ipv4/ip_forward = 0\n',
    });
    expect(reports.get('ip-forwarding-at-boot')).toMatchObject({ result: 'warning' });
    expect(reports.get('ip-forwarding-at-boot')?.found.en).toContain('/etc/sysctl.d/zz-hardening.conf:2');
    expect(reports.get('ip-forwarding-at-boot')?.remedy?.text?.en).toContain('Change line 2');
  });

  it('has its modules after a restart when modules-load.d or /etc/modules names them', async () => {
    const redHatReports = await judgeWith('RHEL 8.10', {
      '/etc/modules-load.d/mstunnel_iptables.conf': 'ip_tables\n',
      '/etc/modules-load.d/mstunnel_tun.conf': '; comment\ntun\n',
    });
    expect(redHatReports.get('ip-tables-at-boot')?.found.en).toContain('mstunnel_iptables.conf');
    expect(redHatReports.get('tun-at-boot')?.result).toBe('ok');
    const debianReports = await judgeWith('Debian 12', { '/etc/modules': '# here\ntun\n' });
    expect(debianReports.get('tun-at-boot')).toMatchObject({ result: 'ok' });
  });

  it('is told that Docker remaps users, by whom and how to stop it', async () => {
    const reports = await judgeWith('Ubuntu 24.04', {
      '/etc/docker/daemon.json': '{ "userns-remap": "default", "log-driver": "local" }',
    });
    expect(reports.get('user-namespace-remap')).toMatchObject({ result: 'failed' });
    expect(reports.get('user-namespace-remap')?.found.en).toContain('"userns-remap": "default"');
  });

  it('is told of a daemon.json with a comment', async () => {
    const reports = await judgeWith('Ubuntu 24.04', { '/etc/docker/daemon.json': '{ // bridge\n}' });
    expect(reports.get('user-namespace-remap')?.result).toBe('failed');
  });

  it('has a bridge that overlaps a route, or the pool, and names both', async () => {
    const overlapping = 'eth1\t0000580A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n';
    const routed = await judgeWith('RHEL 8.10', { '/proc/net/route': `Iface\n${overlapping}` });
    expect(routed.get('bridge-networks')).toMatchObject({ result: 'failed' });
    expect(routed.get('bridge-networks')?.found.en).toContain('10.88.0.0/16 (eth1)');
    const pooled = await judgeWith('Ubuntu 24.04', {}, { pools: ['172.17.4.0/24'] });
    expect(pooled.get('bridge-networks')?.found.en).toContain('172.17.4.0/24');
    const installed = await judgeWith('RHEL 9.6', {
      '/etc/mstunnel/gateway.json': '{"network":"10.88.3.0/24"}',
    });
    expect(installed.get('bridge-networks')?.result).toBe('failed');
  });

  it('does not take the route of the bridge itself for a corporate one', async () => {
    const own = 'docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n';
    const reports = await judgeWith('Ubuntu 24.04', { '/proc/net/route': `Iface\n${own}` });
    expect(reports.get('bridge-networks')?.result).toBe('ok');
  });

  it('has another bridge by bip of Docker or by the networks of netavark', async () => {
    const docker = await judgeWith(
      'Ubuntu 24.04',
      { '/etc/docker/daemon.json': '{"bip":"192.168.128.1/24"}' },
      { pools: ['172.17.0.0/16'] },
    );
    expect(docker.get('bridge-networks')?.found.en).toBe('192.168.128.0/24 (/etc/docker/daemon.json)');
    const podman = await judgeWith('RHEL 9.6', {
      '/etc/containers/networks/podman.json': JSON.stringify({
        name: 'podman',
        driver: 'bridge',
        network_interface: 'podman0',
        subnets: [{ subnet: '10.99.0.0/24', gateway: '10.99.0.1' }],
      }),
    });
    expect(podman.get('bridge-networks')?.found.en).toBe(
      '10.99.0.0/24 (/etc/containers/networks/podman.json)',
    );
  });

  it('has a proxy on a port that SELinux keeps for something else, until it is added', async () => {
    const proxy = { '/etc/profile.d/http_proxy.sh': 'export HTTPS_PROXY=http://10.10.10.1:3128\n' };
    const before = await judgeWith('RHEL 9.6', proxy);
    expect(before.get('selinux-proxy-port')).toMatchObject({ result: 'failed' });
    expect(before.get('selinux-proxy-port')?.remedy?.commands[0]).toContain(
      'semanage port -m -t http_port_t -p tcp 3128',
    );
    const after = await judgeWith('RHEL 9.6', {
      ...proxy,
      '/var/lib/selinux/targeted/active/ports.local': 'portcon tcp 3128 system_u:object_r:http_port_t:s0\n',
    });
    expect(after.get('selinux-proxy-port')?.result).toBe('ok');
    const usual = await judgeWith('RHEL 9.6', {
      '/etc/environment': 'https_proxy=http://proxy.example:8443\n',
    });
    expect(usual.get('selinux-proxy-port')?.result).toBe('ok');
  });

  it('is told when its port is taken on TCP or UDP', async () => {
    const line =
      '   2: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 29534 1 0\n';
    const tcp = await judgeWith('Ubuntu 24.04', { '/proc/net/tcp': line });
    expect(tcp.get('port')?.found.en).toContain('TCP 0.0.0.0');
    const udp = await judgeWith('Ubuntu 24.04', { '/proc/net/udp': line.replace(' 0A ', ' 07 ') });
    expect(udp.get('port')?.result).toBe('failed');
    const other = await judgeWith('Ubuntu 24.04', { '/proc/net/tcp': line }, { port: 8443 });
    expect(other.get('port')?.result).toBe('ok');
  });

  it('has a size for the devices that are expected', async () => {
    const reports = await judgeWith('Ubuntu 24.04', {}, { devices: 5_000 });
    expect(resultsOf(reports)).toMatchObject({ cpus: 'warning', memory: 'warning', disk: 'ok' });
    expect(reports.get('cpus')?.found.en).toBe('4, 8 wanted for 5000 devices');
  });

  it('has an engine whose daemon is stopped, too old or missing', async () => {
    const distribution = fixture('Ubuntu 24.04');
    using tree = makeTree(distribution);
    const stopped = {
      exitCode: 1,
      stdout: recordedOutput('docker-version-stopped.json').stdout,
      stderr: recordedOutput('docker-version-stopped.stderr').stdout,
    };
    const withStopped = await judge(
      recordedHost(tree.root, new Map([['docker version --format {{json .}}', stopped]])),
    );
    expect(withStopped.get('container-engine')).toMatchObject({
      result: 'failed',
      remedy: { commands: ['sudo systemctl enable --now docker'] },
    });
    expect(withStopped.get('container-engine')?.found.en).toContain('stopped');
    const old = engineOutputs({ ...distribution, engineVersion: '18.09.1' });
    expect((await judge(recordedHost(tree.root, old))).get('container-engine')?.found.en).toContain(
      'too old',
    );
    const none = await judge(recordedHost(tree.root, new Map()));
    expect(none.get('container-engine')?.result).toBe('failed');
  });

  it('is judged for containers without root', async () => {
    const needs = {
      '/etc/subuid': 'mstunnel:100000:65536\n',
      '/etc/subgid': 'mstunnel:100000:65536\n',
      '/usr/bin/newuidmap': '',
      '/usr/bin/newgidmap': '',
      '/proc/sys/net/core/somaxconn': '8192\n',
      '/proc/sys/net/netfilter/nf_conntrack_acct': '1\n',
      '/proc/sys/net/netfilter/nf_conntrack_timestamp': '1\n',
      '/proc/sys/net/ipv4/ip_unprivileged_port_start': '443\n',
      '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nmstunnel:x:990:990::/home/mstunnel:/sbin/nologin\n',
      '/var/lib/systemd/linger/mstunnel': '',
    };
    const ids = ['podman', 'ids', 'sysctl', 'home', 'linger'].map((id) => `rootless-${id}`);
    const good = await judgeWith('RHEL 9.6', needs, { isRootless: true });
    expect(ids.map((id) => good.get(id)?.result)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    const bad = await judgeWith('RHEL 8.7', { '/etc/passwd': needs['/etc/passwd'] }, { isRootless: true });
    expect(ids.map((id) => bad.get(id)?.result)).toEqual(['failed', 'failed', 'failed', 'ok', 'failed']);
    expect(bad.get('rootless-sysctl')?.found.en).toContain('net.core.somaxconn=8192');
    const docker = await judgeWith('Ubuntu 24.04', needs, { isRootless: true });
    expect(docker.get('rootless-podman')?.result).toBe('failed');
  });
});

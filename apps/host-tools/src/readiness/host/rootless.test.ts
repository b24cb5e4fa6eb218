import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostFile } from './host-view.ts';
import { parseOsRelease } from './parse/os-release.ts';
import {
  judgeHomeSpace,
  judgeLingering,
  judgeRootlessPodman,
  judgeRootlessSysctls,
  judgeSubordinateIds,
} from './rootless.ts';

const rhel = parseOsRelease('ID="rhel"\nVERSION_ID="9.6"\n');
const podman = (version: string) => ({ version, answers: 'yes' }) as const;

describe('Podman without root', () => {
  it('is taken from 4.6.1 on, on RHEL from 8.8 on; elsewhere it is a warning', () => {
    expect(judgeRootlessPodman(podman('4.6.1'), rhel)).toMatchObject({ result: 'ok' });
    expect(judgeRootlessPodman(podman('4.6.0'), rhel).result).toBe('failed');
    expect(judgeRootlessPodman(podman('4.9.4-rhel'), { ...rhel, versionId: '8.8' }).result).toBe('ok');
    expect(judgeRootlessPodman(podman('4.9.4-rhel'), { ...rhel, versionId: '8.7' }).result).toBe('warning');
    expect(judgeRootlessPodman(podman('5.0.0'), parseOsRelease('ID=debian\n')).result).toBe('warning');
    expect(judgeRootlessPodman(undefined, rhel).remedy?.commands).toEqual(['sudo dnf install podman']);
  });

  it('needs ids for the account alone, which may come in several ranges', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 4 }), (counts) => {
        const lines = counts.map((count, index) => `mstunnel:${100_000 * (index + 1)}:${count}\n`).join('');
        const text = `root:1:65536\n${lines}mstunnel2:900000:65536\n`;
        const isEnough = counts.reduce((sum, count) => sum + count, 0) >= 65_536;
        expect(judgeSubordinateIds(text, text, true, rhel).result).toBe(isEnough ? 'ok' : 'warning');
      }),
    );
    const enough = 'mstunnel:100000:65536\n';
    expect(judgeSubordinateIds(enough, '', true, rhel).result).toBe('warning');
    expect(judgeSubordinateIds(enough, enough, false, rhel).remedy?.commands).toEqual([
      'sudo dnf install shadow-utils',
    ]);
  });

  it('needs its kernel settings, and low ports only for a port below 1024', () => {
    const values = (changes: Readonly<Record<string, string>> = {}) => {
      const all = {
        'net.core.somaxconn': '8192\n',
        'net.netfilter.nf_conntrack_acct': '1\n',
        'net.netfilter.nf_conntrack_timestamp': '1\n',
        'net.ipv4.ip_unprivileged_port_start': '1024\n',
        ...changes,
      };
      return new Map<string, HostFile>(Object.entries(all).map(([name, text]) => [name, { text }]));
    };
    expect(judgeRootlessSysctls(values(), 8443).result).toBe('ok');
    expect(judgeRootlessSysctls(values(), 443).remedy?.commands[0]).toContain(
      'net.ipv4.ip_unprivileged_port_start=443 ',
    );
    expect(judgeRootlessSysctls(values({ 'net.ipv4.ip_unprivileged_port_start': '0\n' }), 443).result).toBe(
      'ok',
    );
    expect(judgeRootlessSysctls(values({ 'net.core.somaxconn': '4096\n' }), 8443).found.en).toBe(
      'not set: net.core.somaxconn=8192',
    );
    expect(judgeRootlessSysctls(new Map(), 443).result).toBe('unknown');
  });

  it('needs 10 GB in /home, and lingering once the account is there', () => {
    expect(judgeHomeSpace(10 * 2 ** 30).result).toBe('ok');
    expect(judgeHomeSpace(10 * 2 ** 30 - 1).result).toBe('failed');
    expect(judgeHomeSpace(undefined).result).toBe('unknown');
    expect(judgeLingering(false, false).result).toBe('ok');
    expect(judgeLingering(true, false).remedy?.commands).toEqual(['sudo loginctl enable-linger mstunnel']);
    expect(judgeLingering(true, true).result).toBe('ok');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordedOutput } from '../testing/distributions.ts';
import { judgeFirewall } from './check.ts';
import { firewalldReach, zoneFromList, zoneFromXml } from './firewalld.ts';
import { nftablesReach } from './nftables.ts';
import { ufwReach } from './ufw.ts';

const both = (reach: (protocol: 'tcp' | 'udp') => string) => [reach('tcp'), reach('udp')];

it('reads any text without an exception', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(nftablesReach(text, 'tcp', 443)).toBe('unknown');
      ufwReach(text, 'DROP', 'udp', 443);
      firewalldReach(zoneFromList(text), 'tcp', 443);
      firewalldReach(zoneFromXml(text), 'tcp', 443);
    }),
  );
});

describe('nftables, by rulesets that were recorded', () => {
  const reach = (name: string, port: number) => {
    const { stdout } = recordedOutput(`nft-${name}.json`);
    return both((protocol) => nftablesReach(stdout, protocol, port));
  };

  it('opens what a rule of a chain that is jumped to accepts, in a set or in a range', () => {
    expect(reach('open', 443)).toEqual(['open', 'open']);
    expect(reach('open', 22)).toEqual(['open', 'closed']);
    expect(reach('open', 500)).toEqual(['closed', 'open']);
    expect(reach('open', 8443)).toEqual(['closed', 'closed']);
  });

  it('does not take a rule for some senders for one that lets everybody in', () => {
    expect(reach('tcp-only', 443)).toEqual(['open', 'closed']);
  });

  it('cannot tell where a refusal depends on more than the port', () => {
    expect(reach('doubtful', 443)).toEqual(['unknown', 'unknown']);
    expect(reach('doubtful', 8443)).toEqual(['closed', 'open']);
    expect(reach('doubtful', 80)).toEqual(['open', 'open']);
  });

  it('is open without any rule', () => {
    expect(nftablesReach('{"nftables":[]}', 'tcp', 443)).toBe('open');
  });
});

describe('ufw', () => {
  const rules = (...tuples: string[]) => tuples.map((tuple) => `### tuple ### ${tuple}\n-A x\n`).join('\n');
  const reach = (text: string, policy = 'DROP') => both((protocol) => ufwReach(text, policy, protocol, 443));

  it('opens by its first rule for everybody, also with a list, a range, an application or a comment', () => {
    for (const tuple of [
      'allow any 443 0.0.0.0/0 any 0.0.0.0/0 in',
      'limit any 80,443 0.0.0.0/0 any 0.0.0.0/0 in',
      'allow_log any 400:500 0.0.0.0/0 any 0.0.0.0/0 in',
      'allow any any 0.0.0.0/0 any 0.0.0.0/0 in comment=7475',
    ])
      expect(reach(rules(tuple))).toEqual(['open', 'open']);
    expect(reach(rules('allow tcp 443 0.0.0.0/0 any 0.0.0.0/0 Nginx%20HTTPS - in'))).toEqual([
      'open',
      'closed',
    ]);
  });

  it('is decided by the first of two rules', () => {
    const [deny, allow] = ['deny', 'allow'].map((action) => `${action} any 443 0.0.0.0/0 any 0.0.0.0/0 in`);
    expect(reach(rules(deny ?? '', allow ?? ''))).toEqual(['closed', 'closed']);
    expect(reach(rules(allow ?? '', deny ?? ''))).toEqual(['open', 'open']);
  });

  it('passes over rules for some senders, for one interface, for what goes out and for what is passed on', () => {
    const others = rules(
      'allow any 443 0.0.0.0/0 any 10.0.0.0/8 in',
      'allow any 443 0.0.0.0/0 any 0.0.0.0/0 in_eth1',
      'deny any 443 0.0.0.0/0 any 0.0.0.0/0 out',
      'route:allow any 443 0.0.0.0/0 any 0.0.0.0/0 in',
    );
    expect(reach(others)).toEqual(['closed', 'closed']);
    expect(reach(others, 'ACCEPT')).toEqual(['open', 'open']);
  });
});

describe('firewalld', () => {
  const list = (ports: string, services: string, rich = '') =>
    `public (active)\n  target: default\n  interfaces: eth0\n  services: ${services}\n  ports: ${ports}\n  forward-ports: \n  rich rules: \n${rich}`;
  const reach = (text: string) => both((protocol) => firewalldReach(zoneFromList(text), protocol, 443));

  it('opens by ports, by ranges and by the services of that port', () => {
    expect(reach(list('443/tcp 443/udp', 'ssh'))).toEqual(['open', 'open']);
    expect(reach(list('400-500/udp', 'https'))).toEqual(['open', 'open']);
    expect(reach(list('', 'cockpit ssh'))).toEqual(['closed', 'closed']);
  });

  it('cannot tell with rich rules, unless a port opens it anyway', () => {
    const rich = '\trule family="ipv4" port port="443" protocol="udp" accept\n';
    expect(reach(list('443/tcp', 'ssh', rich))).toEqual(['open', 'unknown']);
  });

  it('is read from the file of a zone as well', () => {
    const xml = (inner: string) =>
      `<?xml version="1.0"?>\n<zone>\n  <short>Public</short>${inner}\n</zone>\n`;
    const zone = zoneFromXml(xml('<service name="https"/><port port="443" protocol="udp"/>'));
    expect(both((protocol) => firewalldReach(zone, protocol, 443))).toEqual(['open', 'open']);
    const richRule = zoneFromXml(xml('<rule family="ipv4"><accept/></rule>'));
    expect(firewalldReach(richRule, 'tcp', 443)).toBe('unknown');
    expect(firewalldReach(zoneFromXml('<zone target="ACCEPT"></zone>'), 'udp', 443)).toBe('open');
  });
});

describe('a closed port', () => {
  const state = { name: 'firewalld', tcp: 'open', udp: 'closed' } as const;
  const judge = (isRootless: boolean) => judgeFirewall(state, { port: 443, isRootless, isRunning: true });

  it('is a warning, because engines that run as root forward past the rules, and a failure without root', () => {
    expect(judge(false)).toMatchObject({ result: 'warning' });
    expect(judge(true).result).toBe('failed');
    expect(judge(true).found.en).toBe('firewalld does not open UDP 443');
    expect(judge(true).remedy?.commands[0]).toContain('--add-port=443/tcp --add-port=443/udp');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cniNetworks, defaultSubnetIn, netavarkNetworks, networkOf } from './container-networks.ts';
import { dockerState, podmanState } from './engine-versions.ts';
import { builtInModules, loadedModules, modulesToLoad } from './kernel-modules.ts';
import { parseAssignments, parseOsRelease } from './os-release.ts';
import { parseRoutes } from './routes.ts';
import { addressOf, listeningSockets } from './sockets.ts';
import { inOrderOfApplication, parseSysctl, type SysctlFile, settingAtBoot } from './sysctl-files.ts';
import { compareVersions } from './version.ts';

const text = fc.string({ unit: 'binary' });
const address = fc.ipV4();
/** An IPv4 address as `/proc/net` of a little-endian host writes it. */
const asWord = (dotted: string) =>
  dotted
    .split('.')
    .reverse()
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();

it('takes any text without an exception', () => {
  fc.assert(
    fc.property(text, (anything) => {
      const output = { exitCode: 1, stdout: anything, stderr: anything };
      parseOsRelease(anything);
      parseSysctl(anything);
      parseRoutes(anything);
      loadedModules(anything);
      builtInModules(anything);
      modulesToLoad(anything);
      defaultSubnetIn(anything);
      compareVersions(anything, '1.0');
      expect(networkOf(anything) ?? '0.0.0.0/0').toMatch(/^[\d.]+\/\d+$/);
      for (const protocol of ['tcp', 'udp'] as const) listeningSockets(anything, protocol);
      expect(cniNetworks(anything, '/x')).toEqual([]);
      expect(netavarkNetworks(anything, '/x')).toEqual([]);
      expect(dockerState(output)).toBeUndefined();
      expect(podmanState(output, output)).toBeUndefined();
    }),
  );
});

describe('assignments of a shell', () => {
  const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,12}$/);

  it('come back out of double quotes, whatever was escaped, also behind export', () => {
    const value = fc.stringMatching(/^[ -~]*$/);
    fc.assert(
      fc.property(name, value, fc.constantFrom('', 'export '), (key, original, before) => {
        const quoted = original.replace(/["$`\\]/g, (character) => `\\${character}`);
        expect(parseAssignments(`${before}${key}="${quoted}"\n`).get(key)).toBe(original);
      }),
    );
  });

  it('count in their last place, and comments not at all', () => {
    expect([...parseAssignments("A=1\n#A=2\n A=3 # why\nB='x # y'\nA B=4\n")]).toEqual([
      ['A', '3'],
      ['B', 'x # y'],
    ]);
  });

  it('name a distribution also where it has no version', () => {
    expect(parseOsRelease('NAME="Debian GNU/Linux"\nID=debian\n')).toEqual({
      id: 'debian',
      idLike: [],
      versionId: '',
      prettyName: 'Debian GNU/Linux',
    });
    expect(parseOsRelease('')).toMatchObject({ id: 'linux' });
  });
});

describe('sysctl files', () => {
  const name = fc.constantFrom('net.ipv4.ip_forward', 'net.ipv4.conf.eth0.forwarding', 'kernel.pid_max');
  const folder = fc.constantFrom('/etc/sysctl.d', '/run/sysctl.d', '/usr/lib/sysctl.d', '/lib/sysctl.d');
  const fileName = fc.constantFrom('10-a.conf', '50-b.conf', '99-sysctl.conf', 'zz.conf', 'notes.txt');
  const files = fc.uniqueArray(
    fc.record({
      path: fc.tuple(folder, fileName).map((parts) => parts.join('/')),
      text: fc
        .array(fc.tuple(name, fc.constantFrom('0', '1')), { maxLength: 4 })
        .map((lines) => lines.map((words) => `${words.join(' = ')}\n`).join('')),
    }),
    { selector: ({ path }) => path, maxLength: 10 },
  );

  it('are the same in any spelling of a name and any spaces', () => {
    const space = fc.constantFrom('', ' ', '\t', '  ');
    fc.assert(
      fc.property(name, space, space, fc.constantFrom('', '-'), fc.nat(), (key, left, right, dash, value) => {
        const withSlashes = key.replaceAll('.', '/');
        for (const spelling of [key, withSlashes]) {
          const line = `${left}${dash}${spelling}${left}=${right}${value}${right}\r\n`;
          expect(parseSysctl(`# ${line}; ${line}${line}`)).toEqual([
            { name: key, value: `${value}`, line: 3 },
          ]);
        }
      }),
    );
  });

  it('keep a dot inside of a name that is written with slashes', () => {
    expect(parseSysctl('net/ipv4/conf/eth0.100/forwarding=1')[0]?.name).toBe(
      'net.ipv4.conf.eth0/100.forwarding',
    );
  });

  it('are applied by name, each name once, that of the first folder', () => {
    fc.assert(
      fc.property(files, (all) => {
        const order = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/lib/sysctl.d', '/lib/sysctl.d'];
        const names = [...new Set(all.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)))]
          .filter((found) => found.endsWith('.conf'))
          .sort();
        const expected = names.map((found) =>
          order
            .map((place) => `${place}/${found}`)
            .find((candidate) => all.some(({ path }) => path === candidate)),
        );
        expect(inOrderOfApplication(all, 'systemd').map(({ path }) => path)).toEqual(expected);
      }),
    );
  });

  it('leave what the last line says, wherever the files come from in the list', () => {
    fc.assert(
      fc.property(files, fc.nat(), (all, turn) => {
        const turned = all.map((_, index) => all[(index + turn) % all.length] as SysctlFile);
        const applied = inOrderOfApplication(all, 'procps')
          .flatMap(({ text: content }) => parseSysctl(content))
          .filter((line) => line.name === 'net.ipv4.ip_forward');
        const setting = settingAtBoot(turned, 'procps', 'net.ipv4.ip_forward');
        expect(setting?.value).toBe(applied.at(-1)?.value);
      }),
    );
  });

  it('end with sysctl.conf for procps, and do not have it for systemd', () => {
    const all: SysctlFile[] = [
      { path: '/etc/sysctl.conf', text: 'net.ipv4.ip_forward=1' },
      { path: '/etc/sysctl.d/zz.conf', text: 'net.ipv4.ip_forward=0' },
    ];
    expect(settingAtBoot(all, 'procps', 'net.ipv4.ip_forward')?.value).toBe('1');
    expect(settingAtBoot(all, 'systemd', 'net.ipv4.ip_forward')?.value).toBe('0');
  });
});

describe('/proc/net', () => {
  it('gives back every IPv4 address, IPv6 address and port', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 65_535 }), (local, port) => {
        const portWord = port.toString(16).padStart(4, '0').toUpperCase();
        const line = (state: string) =>
          `  1: ${asWord(local)}:${portWord} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  0 0 77 1\n`;
        expect(listeningSockets(`  sl  local_address\n${line('0A')}${line('01')}`, 'tcp')).toEqual([
          { address: local, port, inode: '77' },
        ]);
        expect(listeningSockets(`${line('07')}${line('01')}`, 'udp')).toHaveLength(1);
      }),
    );
    expect(addressOf('0000000000000000FFFF00000100007F')).toBe('0000:0000:0000:0000:0000:ffff:7f00:0001');
  });

  it('gives back every route but the default one, with its mask as a length', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 32 }), (where, prefix) => {
        const network = networkOf(`${where}/${prefix}`) ?? '';
        const mask = networkOf(`255.255.255.255/${prefix}`)?.split('/')[0] ?? '';
        const line = `eth0\t${asWord(network.split('/')[0] ?? '')}\t00000000\t0001\t0\t0\t0\t${asWord(mask)}\t0\t0\t0\n`;
        expect(parseRoutes(`Iface\tDestination\n${line}`)).toEqual(
          prefix === 0 ? [] : [{ network, device: 'eth0' }],
        );
      }),
    );
  });
});

describe('networks', () => {
  it('lose the bits of the host, and keep those of the network', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 0, max: 32 }), (host, prefix) => {
        const asNumber = (dotted: string) =>
          dotted.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
        const network = networkOf(`${host}/${prefix}`) ?? '';
        const size = 2 ** (32 - prefix);
        expect(asNumber(network.split('/')[0] ?? '')).toBe(Math.floor(asNumber(host) / size) * size);
        expect(networkOf(network)).toBe(network);
      }),
    );
  });

  it.each(['', '10.0.0.0', '10.0.0.0/33', '256.0.0.0/8', '10.0.0/8', 'fd00::/8', '10.0.0.0/8 '])(
    'are not read from "%s"',
    (wrong) => {
      expect(networkOf(wrong)).toBeUndefined();
    },
  );

  it('of CNI are read in both of its forms, those of netavark with their bridge; IPv6 is left out', () => {
    const cni = {
      plugins: [
        { bridge: 'cni0', ipam: { ranges: [[{ subnet: '10.88.0.0/16' }], [{ subnet: 'fd00::/64' }]] } },
        { ipam: { subnet: '10.1.0.0/16' } },
        { type: 'portmap' },
      ],
    };
    expect(cniNetworks(JSON.stringify(cni), '/a')).toEqual([
      { network: '10.88.0.0/16', place: '/a', bridge: 'cni0' },
      { network: '10.1.0.0/16', place: '/a' },
    ]);
    const netavark = { network_interface: 'podman1', subnets: [{ subnet: '10.89.0.0/24' }] };
    expect(netavarkNetworks(JSON.stringify(netavark), '/b')).toEqual([
      { network: '10.89.0.0/24', place: '/b', bridge: 'podman1' },
    ]);
    expect(
      defaultSubnetIn('[network]\n#default_subnet = "10.1.0.0/16"\ndefault_subnet = "10.2.0.0/16"\n'),
    ).toBe('10.2.0.0/16');
  });
});

describe('versions', () => {
  const version = fc.array(fc.nat({ max: 120 }), { minLength: 1, maxLength: 4 });

  it('are ordered by their numbers and not by their letters', () => {
    expect(compareVersions('9.10', '9.9')).toBeGreaterThan(0);
    expect(compareVersions('4.9.4-rhel', '4.9.4')).toBe(0);
    expect(compareVersions('20.10.24+dfsg1', '20.10.24')).toBe(0);
    expect(compareVersions('5.0', '5')).toBe(0);
  });

  it('are ordered the same way from both sides, and by the first part that differs', () => {
    fc.assert(
      fc.property(version, version, (left, right) => {
        const forward = Math.sign(compareVersions(left.join('.'), right.join('.')));
        expect(forward).toBe(-Math.sign(compareVersions(right.join('.'), left.join('.'))) + 0);
        const [one = 0, other = 0] = [left[0], right[0]];
        if (one !== other) expect(forward).toBe(Math.sign(one - other));
      }),
    );
  });
});

describe('modules', () => {
  it('are the same with a dash and an underscore, as the kernel has it', () => {
    expect(loadedModules('ip-tables 32768 0 - Live 0x0\ntun 61440 2 vhost_net, Live 0x0\n')).toEqual(
      new Set(['ip_tables', 'tun']),
    );
    expect(
      builtInModules('kernel/net/ipv4/netfilter/ip_tables.ko\nkernel/drivers/net/tun.ko\nodd\n'),
    ).toEqual(new Set(['ip_tables', 'tun']));
    expect(modulesToLoad('# tun\n;tun\n  ip-tables  \n\n')).toEqual(['ip_tables']);
  });
});

describe('container engines', () => {
  const stdout = '{"Client":{"Version":"28.2.2","ApiVersion":"1.50"},"Server":null}';

  it('that do not answer are told from those that this person may not ask, and those that take too long', () => {
    const state = (stderr: string, timedOut = false) =>
      dockerState({ exitCode: 1, stdout, stderr, timedOut })?.answers;
    expect(state('Cannot connect to the Docker daemon')).toBe('no');
    expect(state('permission denied while trying to connect to the Docker daemon socket')).toBe(
      'not-allowed',
    );
    expect(state('', true)).toBe('too-late');
  });

  it('that are Podman under the name of Docker are no Docker', () => {
    const podman = '{"Client":{"APIVersion":"4.3.1","Version":"4.3.1"}}';
    expect(dockerState({ exitCode: 0, stdout: podman, stderr: '' })).toBeUndefined();
    const output = { exitCode: 0, stdout: podman, stderr: '' };
    expect(podmanState(output, output)).toEqual({ version: '4.3.1', answers: 'yes' });
    expect(podmanState(output, { ...output, exitCode: 125 })?.answers).toBe('no');
    expect(podmanState(output, undefined)?.answers).toBe('no');
  });
});

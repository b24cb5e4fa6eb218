import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forwardingEdits, judgeForwardingAtBoot } from './ip-forwarding.ts';
import type { SysctlFile } from './parse/sysctl-files.ts';

describe('edits for forwarding', () => {
  const path = fc
    .tuple(
      fc.constantFrom('/etc/sysctl.d', '/run/sysctl.d', '/usr/lib/sysctl.d', '/lib/sysctl.d'),
      fc.constantFrom('10-a.conf', '99-sysctl.conf', '99-zz-mstunnel.conf', 'zz.conf', 'zzz.conf'),
    )
    .map((parts) => parts.join('/'));
  const line = fc
    .tuple(
      fc.constantFrom(
        'net.ipv4.ip_forward',
        'net/ipv4/ip_forward',
        '-net.ipv4.conf.all.forwarding',
        '# net.ipv4.ip_forward',
        'net.ipv4.conf.eth0.forwarding',
      ),
      fc.constantFrom('=', ' = '),
      fc.constantFrom('0', '1', ''),
    )
    .map((parts) => parts.join(''));
  const target = fc.option(fc.constantFrom('/etc/sysctl.conf', '/opt/site.conf', '/usr/lib/x.conf'), {
    nil: undefined,
    freq: 3,
  });
  /** Links to one file have one text. */
  const files = fc
    .tuple(
      fc.uniqueArray(
        fc.record({ path, target, text: fc.array(line, { maxLength: 3 }).map((lines) => lines.join('\n')) }),
        { selector: (file) => file.path, maxLength: 8 },
      ),
      fc.option(line, { nil: undefined }),
    )
    .map(([found, ofMain]): SysctlFile[] => {
      const texts = new Map([['/etc/sysctl.conf', ofMain ?? '']]);
      const all = found.map(({ target: place, text, ...file }): SysctlFile => {
        if (place === undefined) return { ...file, text };
        if (!texts.has(place)) texts.set(place, text);
        return { ...file, target: place, text: texts.get(place) ?? '' };
      });
      return ofMain === undefined ? all : [...all, { path: '/etc/sysctl.conf', text: ofMain }];
    });

  it('turn it on whatever the files say, only in /etc, and once', () => {
    fc.assert(
      fc.property(files, fc.constantFrom('systemd', 'procps'), (found, reader) => {
        const edits = forwardingEdits({ files: found, reader });
        const edited = found.map((file) => {
          const edit = edits.find((candidate) => candidate.path === (file.target ?? file.path));
          const direct = edits.find((candidate) => candidate.path === file.path);
          return { ...file, text: direct?.text ?? edit?.text ?? file.text };
        });
        const created = edits.filter((edit) => !found.some((file) => file.path === edit.path));
        const after = { files: [...edited, ...created], reader };
        expect(edits.every((edit) => edit.path.startsWith('/etc/'))).toBe(true);
        expect(judgeForwardingAtBoot(after).result).toBe('ok');
        expect(forwardingEdits(after)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Failure } from '../../program/failure.ts';
import { RecordedTerminal } from '../../program/testing.ts';
import { runTool, type ToolContext } from '../../program/tool.ts';
import { auditRules } from '../host/audit-rules.ts';
import type { HostView } from '../host/host-view.ts';
import { fixture, fixtureDistributions, makeTree, recordedHost } from '../host/testing/distributions.ts';
import { readinessTool } from '../program.ts';
import { applyRepairs, refuseImpossibleRepairs } from './apply-repairs.ts';
import { planRepairs, repairFactsOf } from './plan-repairs.ts';

/** The tree of a distribution, with other or more files. */
function treeOf(name: string, files: Readonly<Record<string, string>> = {}): string {
  const tree = makeTree(fixture(name));
  onTestFinished(() => tree[Symbol.dispose]());
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree.root, path)), { recursive: true });
    writeFileSync(join(tree.root, path), text);
  }
  return tree.root;
}

async function fix(root: string, words: string[], answers?: string[]) {
  const terminal = new RecordedTerminal(answers === undefined ? {} : { answers });
  const status = await runTool(readinessTool, ['utils', '--root', root, '--fix', ...words], terminal, {});
  return { status, printed: terminal.printed, told: terminal.complained, questions: terminal.questions };
}

async function resultsOf(root: string) {
  const terminal = new RecordedTerminal();
  await runTool(readinessTool, ['utils', '--root', root, '--json'], terminal, {});
  return resultsIn(terminal.printed);
}

function resultsIn(json: string) {
  const { checks } = JSON.parse(json) as { checks: { id: string; result: string }[] };
  return Object.fromEntries(checks.map(({ id, result }) => [id.replace('utils.', ''), result]));
}

/** Every file of a tree with its text, so that two states can be compared. */
function filesBelow(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.map((file) => [file.slice(root.length), readFileSync(file, 'utf8')]));
}

function changesBetween(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys(after)
    .filter((file) => after[file] !== before[file])
    .sort();
}

describe.each(fixtureDistributions)('--fix on $name', ({ name }) => {
  it('sets what the prerequisites name, says what it writes, and has nothing left to do afterwards', async () => {
    const root = treeOf(name);
    const { told, printed } = await fix(root, ['--yes', '--json']);
    expect(told).toContain('/etc/sysctl.d/99-zz-mstunnel.conf:\n    | net.ipv4.ip_forward = 1\n');
    expect(resultsIn(printed)).toMatchObject({
      'ip-forwarding-at-boot': 'ok',
      'ip-tables-at-boot': 'ok',
      'tun-at-boot': 'ok',
    });
    const before = filesBelow(root);
    const again = await fix(root, ['--yes', '--json']);
    expect(again.told).toContain('There is nothing that --fix can repair.');
    expect(filesBelow(root)).toEqual(before);
  });
});

describe('--fix', () => {
  it('writes the files that the original has, each with one line', async () => {
    const root = treeOf('RHEL 9.6');
    const before = filesBelow(root);
    await fix(root, ['--yes']);
    const after = filesBelow(root);
    expect(changesBetween(before, after)).toEqual([
      '/etc/audit/rules.d/mst.rules',
      '/etc/modules-load.d/mstunnel_iptables.conf',
      '/etc/modules-load.d/mstunnel_tun.conf',
      '/etc/sysctl.d/99-zz-mstunnel.conf',
    ]);
    expect(after['/etc/modules-load.d/mstunnel_iptables.conf']).toBe('ip_tables\n');
    expect(after['/etc/modules-load.d/mstunnel_tun.conf']).toBe('tun\n');
    expect(after['/etc/audit/rules.d/mst.rules']).toContain('-w /etc/sysctl.d -p wa -k mstunnel_boot\n');
    expect(statSync(join(root, 'etc/sysctl.d/99-zz-mstunnel.conf')).mode & 0o777).toBe(0o644);
  });

  it('asks before each change, and leaves alone what was not agreed to', async () => {
    const root = treeOf('RHEL 9.6');
    const before = filesBelow(root);
    const { questions, told } = await fix(root, [], ['n', 'yes', '', 'no']);
    expect(questions).toHaveLength(4);
    expect(told).toContain('Left as it is.');
    expect(changesBetween(before, filesBelow(root))).toEqual(['/etc/modules-load.d/mstunnel_iptables.conf']);
  });

  it('refuses without a terminal and without --yes, before it looks at anything', async () => {
    const root = treeOf('RHEL 9.6');
    const before = filesBelow(root);
    const { status, printed, told } = await fix(root, []);
    expect({ status, printed }).toEqual({ status: 2, printed: '' });
    expect(told).toContain('nobody can answer here');
    expect(filesBelow(root)).toEqual(before);
  });

  it.each([
    ['utils', '--fix'],
    ['all', '--fix'],
    ['utils', '--yes'],
    ['all', '--yes'],
  ])('refuses %s %s where it makes no sense, and checks nothing', async (...words) => {
    const terminal = new RecordedTerminal();
    expect(await runTool(readinessTool, words, terminal, {})).toBe(2);
    expect(terminal.printed).toBe('');
    expect(terminal.complained).toContain('--fix');
  });

  it('ends when nobody answers any more, with what was agreed to until then', async () => {
    const root = treeOf('RHEL 9.6');
    const before = filesBelow(root);
    expect((await fix(root, [], ['y'])).status).toBe(1);
    expect(changesBetween(before, filesBelow(root))).toEqual(['/etc/sysctl.d/99-zz-mstunnel.conf']);
  });

  it('keeps what it edits: a copy beside the file, its owner, its mode, and every other line', async () => {
    const path = '/etc/sysctl.d/zz-hardening.conf';
    const text = '# CIS 3.1.1\nnet.ipv4.ip_forward = 0\nkernel.kptr_restrict=1\n';
    const root = treeOf('Ubuntu 24.04', { [path]: text });
    chmodSync(join(root, path), 0o640);
    await fix(root, ['--yes']);
    const files = filesBelow(root);
    expect(files[path]).toBe('# CIS 3.1.1\nnet.ipv4.ip_forward = 1\nkernel.kptr_restrict=1\n');
    const copies = Object.keys(files).filter((file) => file.startsWith(`${path}.culvert-backup-`));
    expect(copies.map((file) => files[file])).toEqual([text]);
    expect(copies[0]).toMatch(/-backup-\d{8}T\d{6}$/);
    expect(statSync(join(root, path)).mode & 0o777).toBe(0o640);
    expect((await resultsOf(root))['ip-forwarding-at-boot']).toBe('ok');
  });

  it('hides the file of a package by one of the same name in /etc, and leaves the package alone', async () => {
    const packaged = '/usr/lib/sysctl.d/zzz-vendor.conf';
    const root = treeOf('RHEL 9.6', { [packaged]: 'net.ipv4.ip_forward=0\nvm.swappiness=10\n' });
    await fix(root, ['--yes']);
    const files = filesBelow(root);
    expect(files[packaged]).toBe('net.ipv4.ip_forward=0\nvm.swappiness=10\n');
    expect(files['/etc/sysctl.d/zzz-vendor.conf']).toBe('net.ipv4.ip_forward=1\nvm.swappiness=10\n');
    expect((await resultsOf(root))['ip-forwarding-at-boot']).toBe('ok');
  });

  it('follows a link as the host would: into the tree and never out of it', async () => {
    const root = treeOf('RHEL 9.6', { '/opt/site/sysctl': 'net.ipv4.ip_forward=0\n' });
    const link = join(root, 'etc/sysctl.d/zz-site.conf');
    symlinkSync('/opt/site/sysctl', link);
    await fix(root, ['--yes']);
    expect(readFileSync(join(root, 'opt/site/sysctl'), 'utf8')).toBe('net.ipv4.ip_forward=1\n');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(existsSync('/opt/site/sysctl')).toBe(false);
  });

  it('says which file could not be written and why, changes the others, and ends with 1', async () => {
    const root = treeOf('RHEL 9.6');
    const blocked = join(root, 'etc/modules-load.d');
    writeFileSync(blocked, 'a file where a folder belongs\n');
    const { status, told } = await fix(root, ['--yes']);
    expect(status).toBe(1);
    expect(told).toContain('/etc/modules-load.d/mstunnel_tun.conf could not be written: ');
    expect(readFileSync(blocked, 'utf8')).toBe('a file where a folder belongs\n');
    expect(existsSync(join(root, 'etc/sysctl.d/99-zz-mstunnel.conf'))).toBe(true);
  });

  it('leaves no half-written file behind where a folder has the name of the file', async () => {
    const root = treeOf('RHEL 9.6');
    mkdirSync(join(root, 'etc/modules-load.d/mstunnel_tun.conf/inside'), { recursive: true });
    const { status, told } = await fix(root, ['--yes']);
    expect(status).toBe(1);
    expect(told).toContain('mstunnel_tun.conf could not be written');
    expect(readdirSync(join(root, 'etc/modules-load.d')).sort()).toEqual([
      'mstunnel_iptables.conf',
      'mstunnel_tun.conf',
    ]);
  });

  it('writes no audit rules where nobody reads them, and puts old rules aside', async () => {
    const without = treeOf('Debian 12');
    await fix(without, ['--yes']);
    expect(existsSync(join(without, 'etc/audit'))).toBe(false);
    const rules = '/etc/audit/rules.d/mst.rules';
    const withOld = treeOf('RHEL 8.10', { [rules]: '-w /etc/mstunnel -p wa\n' });
    await fix(withOld, ['--yes']);
    const files = filesBelow(withOld);
    expect(files[rules]).toContain('-w /etc/modules-load.d -p wa -k mstunnel_boot\n');
    const copy = Object.keys(files).find((file) => file.startsWith(`${rules}.culvert-backup-`));
    expect(files[copy ?? '']).toBe('-w /etc/mstunnel -p wa\n');
  });

  it('watches nothing below a folder that is not there, and adds that once it is', async () => {
    const root = treeOf('RHEL 9.6');
    const rules = () => readFileSync(join(root, 'etc/audit/rules.d/mst.rules'), 'utf8');
    await fix(root, ['--yes']);
    expect(rules()).toContain('-w /etc/mstunnel -p wa');
    expect(rules()).not.toContain('/etc/mstunnel/private');
    for (const folder of ['etc/mstunnel', 'usr/sbin', 'etc/systemd/system', 'var/lib'])
      mkdirSync(join(root, folder), { recursive: true });
    await fix(root, ['--yes']);
    expect(rules()).toBe(auditRules);
    writeFileSync(join(root, 'etc/audit/rules.d/mst.rules'), `${auditRules}-w /opt/own -p wa\n`);
    expect((await fix(root, ['--yes'])).told).toContain('There is nothing that --fix can repair.');
  });

  it('shows the outcome as JSON with --json, and what it did on the other stream', async () => {
    const root = treeOf('RHEL 9.6');
    const { printed, told } = await fix(root, ['--yes', '--json']);
    expect(resultsIn(printed)['ip-forwarding-at-boot']).toBe('ok');
    expect(told).toContain('Done.');
  });

  it('speaks Japanese', async () => {
    const root = treeOf('RHEL 9.6');
    const { told } = await fix(root, ['--yes', '--lang', 'ja']);
    expect(told).toContain('IPv4 転送を現在と再起動後に有効にします');
    expect(told).toContain('完了しました。');
  });
});

describe('--fix on a host that runs', () => {
  const context = (terminal: RecordedTerminal): ToolContext => ({
    language: 'en',
    terminal,
    environment: {},
    say: (text) => text.en,
    keep: async () => {},
  });

  /** Repairs a host whose programs end with the exit codes given; resolves to what was run and told. */
  async function repairRunning(root: string, exitCodes: Readonly<Record<string, number>>) {
    const ran: string[] = [];
    const view: HostView = {
      ...recordedHost(root, new Map()),
      run: async (...words) => {
        const line = words.join(' ');
        ran.push(line);
        const exitCode = exitCodes[line];
        return exitCode === undefined
          ? undefined
          : { exitCode, stdout: '', stderr: `${words[0]}: refused\n` };
      },
    };
    const environment = { HTTPS_PROXY: 'http://10.10.10.1:3128' };
    const repairs = planRepairs(await repairFactsOf(view, environment));
    ran.length = 0;
    const terminal = new RecordedTerminal();
    const site = { view, root, isAgreed: true, now: () => new Date() };
    const allDone = await applyRepairs(context(terminal), repairs, site);
    return { allDone, ran, told: terminal.complained };
  }

  const change = 'semanage port -m -t http_port_t -p tcp 3128';
  const add = 'semanage port -a -t http_port_t -p tcp 3128';
  const all = {
    'sysctl -w net.ipv4.ip_forward=1': 0,
    'modprobe ip_tables': 0,
    'modprobe tun': 0,
    'augenrules --load': 0,
    [change]: 0,
  };

  it('also sets the kernel that runs, and adds the port of the proxy where it cannot be changed', async () => {
    const { allDone, ran } = await repairRunning(treeOf('RHEL 9.6'), all);
    expect([allDone, ran]).toEqual([true, Object.keys(all)]);
    const added = await repairRunning(treeOf('RHEL 9.6'), { ...all, [change]: 1, [add]: 0 });
    expect([added.allDone, added.ran.slice(-2)]).toEqual([true, [change, add]]);
  });

  it('tells what a program has said, or that there is none, and goes on with the rest', async () => {
    const root = treeOf('RHEL 9.6');
    const { 'modprobe tun': _tun, ...others } = all;
    const { allDone, ran, told } = await repairRunning(root, { ...others, [change]: 1, [add]: 1 });
    expect(allDone).toBe(false);
    expect(told).toContain('"modprobe tun" failed: command not found');
    expect(told).toContain(`"${add}" failed: semanage: refused`);
    expect(ran).toContain('augenrules --load');
  });

  it('needs root', () => {
    const root = treeOf('RHEL 9.6');
    const view = recordedHost(root, new Map(), { isRoot: false });
    const site = { view, root, isAgreed: true, now: () => new Date() };
    expect(() => refuseImpossibleRepairs(context(new RecordedTerminal()), site)).toThrow(Failure);
  });
});

it('embeds the audit rules that deploy/audit offers to others', () => {
  const file = join(import.meta.dirname, '../../../../../deploy/audit/mst.rules');
  expect(readFileSync(file, 'utf8')).toBe(auditRules);
});

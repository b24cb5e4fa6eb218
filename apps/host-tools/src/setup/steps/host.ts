import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { runProgram } from '../../container-engine/run-program.ts';
import { type HostLayout, serviceAccount } from '../../host-layout/host-layout.ts';
import { ensureDirectory, type Ownership } from '../../host-layout/owned-directory.ts';
import { Failure } from '../../program/failure.ts';
import type { ServiceAccount, SetupRun, Step } from '../setup-run.ts';

/** The account, the directories, and what is loaded at boot. */
export const hostStep: Step = {
  name: 'host',
  title: {
    en: `Account ${serviceAccount} and directories`,
    ja: `アカウント ${serviceAccount} とディレクトリ`,
  },
  isDone: async ({ layout, account }) => {
    const found = await account();
    return (
      found !== undefined &&
      directoriesOf(layout, found).every(([directory, ownership]) => isAs(directory, ownership)) &&
      Object.values(layout.moduleFiles).every((file) => existsSync(file))
    );
  },
  carryOut: async (run) => {
    const { layout, terminal, say } = run;
    const account = (await run.account()) ?? (await makeAccount(run));
    for (const [directory, ownership] of directoriesOf(layout, account))
      ensureDirectory(directory, ownership);
    writeModuleFile(layout.moduleFiles.ipTables, 'ip_tables');
    writeModuleFile(layout.moduleFiles.tun, 'tun');
    terminal.print(
      say({
        en: `  ${layout.directory} belongs to root; the containers run as ${serviceAccount} (${account.userId}).`,
        ja: `  ${layout.directory} の所有者は root です。コンテナーは ${serviceAccount} (${account.userId}) として実行されます。`,
      }),
    );
  },
};

/** Every directory of the product with its owner. Only the first is open to the account for new files; what is root's in it stays root's. */
function directoriesOf(
  {
    directory,
    certificates,
    privateKeys,
    authorities,
    diagnostics,
    logDirectory,
    adminSocket,
    monitor,
  }: HostLayout,
  { userId, groupId }: ServiceAccount,
): [string, Ownership][] {
  const forAccount = (mode: number) => ({ userId: 0, groupId, mode });
  const ofAccount = { userId, groupId, mode: 0o700 };
  return [
    // Sticky: the account removes nothing that is not its own.
    [directory, forAccount(0o1770)],
    [certificates.directory, forAccount(0o750)],
    [privateKeys.directory, forAccount(0o750)],
    [authorities, forAccount(0o750)],
    [diagnostics, { userId: 0, groupId: 0, mode: 0o700 }],
    [logDirectory, ofAccount],
    [dirname(adminSocket), { ...ofAccount, mode: 0o710 }],
    [`${directory}/agent`, ofAccount],
    [monitor.stateDirectory, { userId: 0, groupId: 0, mode: 0o700 }],
    [monitor.logDirectory, { userId: 0, groupId: 0, mode: 0o750 }],
  ];
}

function isAs(directory: string, { userId, groupId, mode }: Ownership): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  return (
    found?.isDirectory() === true &&
    found.uid === userId &&
    found.gid === groupId &&
    (found.mode & 0o7777) === mode
  );
}

async function makeAccount({ account, options }: SetupRun): Promise<ServiceAccount> {
  const home = options.isRootless
    ? ['--create-home', '--home-dir', `/home/${serviceAccount}`]
    : ['--no-create-home', '--home-dir', '/nonexistent'];
  const shell = ['/usr/sbin/nologin', '/sbin/nologin'].find((file) => existsSync(file)) ?? '/bin/false';
  const words = ['useradd', '--system', '--user-group', ...home, '--shell', shell, serviceAccount];
  const { status, stderr } = await runProgram(words, { timeoutMilliseconds: 30_000 });
  const made = await account();
  if (made !== undefined) return made;
  const reason = stderr.trim() || `status ${status}`;
  throw new Failure({
    en: `The system account ${serviceAccount} cannot be made: ${reason}. Make it by hand (${words.join(' ')}) and run this again.`,
    ja: `システム アカウント ${serviceAccount} を作成できません: ${reason}。手動で作成 (${words.join(' ')}) してから、もう一度実行してください。`,
  });
}

function writeModuleFile(file: string, module: string): void {
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${module}\n`, { mode: 0o644 });
}

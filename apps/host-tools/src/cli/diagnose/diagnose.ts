import { lstat, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { redactText } from '@culvert/logging/redaction.ts';
import { exitStatus } from '../../program/exit-status.ts';
import { Failure } from '../../program/failure.ts';
import { frameWords } from '../../program/words.ts';
import type { AddCommands, CliContext } from '../commands.ts';
import { printJson } from '../output.ts';
import { collectParts, writeArchive } from './archive.ts';
import { diagnosisParts } from './parts.ts';

interface DiagnoseOptions {
  output?: string;
  json?: true;
}

/** `mst-cli diagnose` */
export const addDiagnose: AddCommands = ({ program }, context) => {
  const { say } = context;
  program
    .command('diagnose')
    .description(
      say({
        en: 'put everything that helps to find a fault into one archive, without secrets',
        ja: '障害調査に必要な情報を 1 つのアーカイブにまとめます (機密情報は含みません)',
      }),
    )
    .option(
      '--output <file>',
      say({ en: 'the archive, FILE.tar.gz', ja: 'アーカイブのファイル名 (ファイル.tar.gz)' }),
    )
    .option('--json', say(frameWords.json))
    .action((options: DiagnoseOptions) => context.keep(diagnose(context, options)));
};

async function diagnose(context: CliContext, { output, json }: DiagnoseOptions): Promise<number> {
  const { terminal, say } = context;
  const now = new Date();
  const folder = `mstunnel-${hostname().replace(/[^A-Za-z0-9.-]/g, '_')}-${now.toISOString().slice(0, 19).replace(/[-:]/g, '')}`;
  const path = output ?? join(await ownDirectory(context.server().layout.diagnostics), `${folder}.tar.gz`);
  const progress = terminal.progress(say({ en: 'collecting', ja: '情報を収集しています' }));
  try {
    const { files, diagnosis } = await collectParts(diagnosisParts(context));
    const manifest = { madeAt: now.toISOString(), hostName: hostname(), ...diagnosis };
    const text = redactText(JSON.stringify(manifest, null, 2));
    await writeArchive(path, [{ name: 'manifest.json', text }, ...files], folder, now);
    progress.end();
    if (json === true) return printJson({ file: path, ...diagnosis }, terminal);
    for (const { name, reason } of diagnosis.leftOut) {
      terminal.complain(
        say({ en: `left out ${name}: ${reason}`, ja: `${name} は含まれていません: ${reason}` }),
      );
    }
    terminal.print(
      say({
        en: `Wrote ${path}: ${files.length} files, secrets taken out. Look through it before you give it away.`,
        ja: `${path} に ${files.length} 件のファイルを書き込みました (機密情報は除去済みです)。提供する前に内容を確認してください。`,
      }),
    );
    return exitStatus.good;
  } finally {
    progress.end();
  }
}

/** The directory for archives; containers could have put a link in its place. */
async function ownDirectory(directory: string): Promise<string> {
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return;
    throw new Failure(
      {
        en: `${directory} cannot be made: ${error.message}. Name a place with --output.`,
        ja: `${directory} を作成できません: ${error.message}。--output で場所を指定してください。`,
      },
      { cause: error },
    );
  });
  const found = await lstat(directory);
  if (found.isDirectory() && found.uid === process.getuid?.()) return directory;
  throw new Failure({
    en: `${directory} is a link or belongs to somebody else, so nothing is written there. Name a place with --output.`,
    ja: `${directory} がリンクであるか、所有者が異なるため、書き込みません。--output で場所を指定してください。`,
  });
}

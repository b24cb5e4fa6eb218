import { readFileSync } from 'node:fs';
import type { ReadCertificate } from '@culvert/certificates/rules/read-server-certificate.ts';
import { Failure } from '../program/failure.ts';
import type { ToolContext } from '../program/tool.ts';
import { type CertificateSource, readSource } from './source.ts';

export interface PasswordWish {
  /** A file whose first line is the password. */
  passwordFile?: string;
  /** False when nobody may be asked. */
  mayAsk: boolean;
}

/** Times that a person may be wrong. */
const attempts = 3;

/** Reads a source, with the password of its PFX file: none, that of a file, or what a person types. */
export async function readWithPassword(
  { terminal, say }: ToolContext,
  source: CertificateSource,
  { passwordFile, mayAsk }: PasswordWish,
): Promise<ReadCertificate> {
  const given = passwordFile === undefined ? '' : readPassword(passwordFile);
  const first = await readSource(source, given);
  if (first.kind === 'read') return first.certificate;
  if (passwordFile !== undefined) {
    throw new Failure({
      en: `The password in ${passwordFile} is not that of the PFX file.`,
      ja: `${passwordFile} のパスワードは、この PFX ファイルのものではありません。`,
    });
  }
  if (!mayAsk) {
    throw new Failure({
      en: 'The PFX file has a password. Put it into a file that only root can read, and name that with --pfx-password-file or mst_pfx_password_file.',
      ja: 'PFX ファイルにパスワードが設定されています。root だけが読み取れるファイルにパスワードを保存し、--pfx-password-file または mst_pfx_password_file で指定してください。',
    });
  }
  for (let left = attempts; left > 0; left -= 1) {
    const answer = await terminal.ask(
      say({ en: 'Password of the PFX file: ', ja: 'PFX ファイルのパスワード: ' }),
      {
        secret: true,
      },
    );
    const read = await readSource(source, answer);
    if (read.kind === 'read') return read.certificate;
    terminal.complain(say({ en: 'That is not the password.', ja: 'パスワードが正しくありません。' }));
  }
  throw new Failure({
    en: `The password was wrong ${attempts} times. Look it up, and run this again.`,
    ja: `パスワードが ${attempts} 回続けて正しくありませんでした。確認してから、もう一度実行してください。`,
  });
}

function readPassword(file: string): string {
  try {
    return (readFileSync(file, 'utf8').split('\n')[0] ?? '').replace(/\r$/, '');
  } catch (error) {
    const { message } = error as NodeJS.ErrnoException;
    throw new Failure(
      {
        en: `The password of the PFX file cannot be read: ${message}`,
        ja: `PFX ファイルのパスワードを読み取れません: ${message}`,
      },
      { cause: error },
    );
  }
}

import { Command } from 'commander';
import type { ToolContext } from '../program/tool.ts';
import { frameWords } from '../program/words.ts';
import { certificateReports } from './certificate/certificate-reports.ts';
import { tellReports } from './network-command.ts';
import { readNamedBytes, readNamedIfGiven } from './options.ts';

interface CertificateOptions {
  key?: string;
  address?: string;
  pfxPasswordFile?: string;
  json?: true;
}

/** `mst-readiness certificate`: every rule for the certificate of a server. */
export function certificateCommand(context: ToolContext): Command {
  const { say } = context;
  return new Command('certificate')
    .description(
      say({
        en: 'checks the TLS certificate of the server by every rule',
        ja: 'サーバーの TLS 証明書がすべての要件を満たしているか確認します',
      }),
    )
    .argument('<file>', say({ en: 'PEM with the whole chain, or PFX', ja: 'チェーン全体の PEM、または PFX' }))
    .option('--key <file>', say({ en: 'private key (PEM)', ja: '秘密鍵 (PEM)' }))
    .option(
      '--address <name-or-ip>',
      say({ en: 'address that devices connect to', ja: 'デバイスの接続先アドレス' }),
    )
    .option(
      '--pfx-password-file <file>',
      say({ en: 'file with the password of the PFX', ja: 'PFX のパスワードのファイル' }),
    )
    .option('--json', say(frameWords.json))
    .action((file: string, options: CertificateOptions) =>
      context.keep(runCertificate(context, file, options)),
    );
}

async function runCertificate(
  context: ToolContext,
  file: string,
  { key, address, pfxPasswordFile, json }: CertificateOptions,
): Promise<number> {
  const [bytes, keyText, password] = await Promise.all([
    readNamedBytes('FILE', file),
    readNamedIfGiven('--key', key),
    readNamedIfGiven('--pfx-password-file', pfxPasswordFile),
  ]);
  const reports = await certificateReports({
    file,
    bytes,
    now: new Date(),
    ...(keyText === undefined ? {} : { keyText }),
    ...(password === undefined
      ? {}
      : {
          password: Buffer.from(password, 'latin1')
            .toString()
            .replace(/\r?\n$/, ''),
        }),
    ...(address === undefined ? {} : { address }),
  });
  return tellReports(context, reports, json === true);
}

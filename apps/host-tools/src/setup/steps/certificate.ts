import { Failure } from '../../program/failure.ts';
import { activate, activeCertificate } from '../../site-certificate/active.ts';
import {
  type PreparedCertificate,
  prepareCertificate,
  publicAddressIn,
} from '../../site-certificate/prepare.ts';
import { readWithPassword } from '../../site-certificate/read-with-password.ts';
import { showViolations } from '../../site-certificate/show-violations.ts';
import { type CertificateSource, findSource, nameOfSource } from '../../site-certificate/source.ts';
import { askYesOrNo, nobodyToAsk } from '../ask.ts';
import { requireAccount, type SetupRun, type Step } from '../setup-run.ts';

/** The certificate that devices see. */
export const certificateStep: Step = {
  name: 'certificate',
  title: { en: 'TLS certificate', ja: 'TLS 証明書' },
  isDone: async ({ layout, now }) => {
    const active = await activeCertificate(layout, publicAddressIn(layout.gatewayFile), now());
    return active?.certificate !== undefined;
  },
  carryOut: async (run) => {
    const { layout, terminal, say } = run;
    const certificate = await requireCertificate(run);
    activate(layout, certificate, (await requireAccount(run)).groupId);
    const until = certificate.expiresAt.toISOString().slice(0, 10);
    terminal.print(
      say({
        en: `  ${certificate.subject}, for ${certificate.names.join(', ')}, valid until ${until}`,
        ja: `  ${certificate.subject} (対象: ${certificate.names.join('、')}、有効期限: ${until})`,
      }),
    );
  },
};

/** Waits for files, and for better ones while a person can bring them. */
async function requireCertificate(run: SetupRun): Promise<PreparedCertificate> {
  const { layout, options, terminal, say, now } = run;
  const address = publicAddressIn(layout.gatewayFile);
  const active = await activeCertificate(layout, address, now());
  if (active !== undefined) showViolations(run, active.violations);
  for (;;) {
    const source = await requireSource(run);
    const passwordFile =
      options.pfxPasswordFile === undefined ? {} : { passwordFile: options.pfxPasswordFile };
    const read = await readWithPassword(run, source, { ...passwordFile, mayAsk: !options.isUnattended });
    const { certificate, violations } = prepareCertificate(read, address, now());
    showViolations(run, violations);
    if (certificate !== undefined) return certificate;
    if (options.isUnattended) {
      throw new Failure({
        en: `Devices would refuse the certificate of ${nameOfSource(source)}. Bring another one, and run this again.`,
        ja: `デバイスは ${nameOfSource(source)} の証明書を拒否します。別の証明書を配置してから、もう一度実行してください。`,
      });
    }
    terminal.complain(
      say({ en: 'Devices would refuse this certificate.', ja: 'デバイスはこの証明書を拒否します。' }),
    );
  }
}

async function requireSource(run: SetupRun): Promise<CertificateSource> {
  const { layout, options, terminal, say } = run;
  const { certificates, privateKeys } = layout;
  if (options.isUnattended) {
    const source = findSource(layout);
    if (source !== undefined) return source;
    throw nobodyToAsk({
      en: `there is no certificate: put ${privateKeys.pfx} there, or ${certificates.chain} with ${privateKeys.key}`,
      ja: `証明書がありません。${privateKeys.pfx}、または ${certificates.chain} と ${privateKeys.key} を配置してください`,
    });
  }
  terminal.print(
    say({
      en: `  Copy the certificate to this server, from another terminal, or make links:
    ${certificates.chain}   PEM: certificate, intermediate ones, root
    ${privateKeys.key}  PEM, not encrypted
  or
    ${privateKeys.pfx}  all in one, with a password or without`,
      ja: `  別のターミナルから、証明書をこのサーバーにコピーしてください (シンボリック リンクでもかまいません):
    ${certificates.chain}   PEM 形式: サーバー証明書、中間証明書、ルート証明書
    ${privateKeys.key}  PEM 形式、暗号化なし
  または
    ${privateKeys.pfx}  すべてを含む PFX ファイル (パスワードの有無は問いません)`,
    }),
  );
  for (;;) {
    const isReady = await askYesOrNo(run, {
      en: 'Is it there? Type yes to go on, no to stop here:',
      ja: '配置しましたか? 続けるには yes (はい)、ここで中断するには no (いいえ) を入力してください:',
    });
    if (!isReady) {
      throw new Failure({
        en: 'Stopped before the certificate. Run mstunnel-setup again when you have it; what was done stays.',
        ja: '証明書の手順で中断しました。準備ができたら mstunnel-setup をもう一度実行してください。ここまでの設定は維持されます。',
      });
    }
    const source = sourceOrComplaint(run);
    if (source !== undefined) return source;
  }
}

/** The source; undefined after it was told why there is none to use. */
function sourceOrComplaint({ layout, terminal, say }: SetupRun): CertificateSource | undefined {
  try {
    const source = findSource(layout);
    if (source === undefined)
      terminal.complain(say({ en: 'None of the files is there.', ja: 'どのファイルも見つかりません。' }));
    return source;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    terminal.complain(say(error.text));
    return undefined;
  }
}

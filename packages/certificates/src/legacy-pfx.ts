import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CertificateBundle,
  type Outcome,
  readCertificates,
  readPrivateKey,
  unusable,
} from './bundle.ts';
import { readPem } from './pem.ts';

/**
 * Reads a PKCS#12 file of any age with the `openssl` command of the host. The password goes through
 * standard input, the key comes back through a pipe: neither is ever on disk or in a process list.
 */
export async function readLegacyPfx(der: Buffer, password: string): Promise<Outcome<CertificateBundle>> {
  const directory = await mkdtemp(join(tmpdir(), 'culvert-pfx-'));
  try {
    const file = join(directory, 'site.pfx');
    await writeFile(file, der, { mode: 0o600 });
    const run = await runOpenssl(['pkcs12', '-legacy', '-nodes', '-in', file, '-passin', 'stdin'], password);
    if (run.kind === 'missing') {
      return unusable(
        'uses old encryption (3DES or RC2) that needs the openssl command, which this host does not have; install openssl, or export the file again with AES-256',
        '古い暗号化方式 (3DES または RC2) のため openssl コマンドが必要ですが、このサーバーにはありません。openssl をインストールするか、AES-256 でエクスポートし直してください',
      );
    }
    if (run.kind === 'failed') return explain(run.stderr);
    return fromPem(run.stdout);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

type OpensslRun = { kind: 'done'; stdout: string } | { kind: 'failed'; stderr: string } | { kind: 'missing' };

function runOpenssl(parameters: string[], input: string): Promise<OpensslRun> {
  return new Promise((resolve) => {
    const child = execFile('openssl', parameters, { timeout: 10_000 }, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'done', stdout });
      else if (error.code === 'ENOENT') resolve({ kind: 'missing' });
      else resolve({ kind: 'failed', stderr });
    });
    // A command that ended early closes its input; its exit status tells the rest.
    child.stdin?.on('error', () => {});
    child.stdin?.end(`${input}\n`);
  });
}

function explain(stderr: string): ReturnType<typeof unusable> {
  if (/mac verify|invalid password/i.test(stderr)) return wrongPassword();
  if (/unknown option|Unrecognized flag/i.test(stderr)) {
    return unusable(
      'uses old encryption that the openssl command of this host cannot read; export the file again with AES-256',
      '古い暗号化方式のため、このサーバーの openssl コマンドでは読み取れません。AES-256 でエクスポートし直してください',
    );
  }
  return unusable(
    'is not a PKCS#12 file, or it is damaged',
    'PKCS#12 (PFX) ファイルではないか、破損しています',
  );
}

export function wrongPassword() {
  return unusable('the password of the PFX file is wrong', 'PFX ファイルのパスワードが正しくありません');
}

export function withoutKey() {
  return unusable(
    'the PFX file holds no private key; export it with its key',
    'PFX ファイルに秘密鍵が含まれていません。秘密鍵を含めてエクスポートし直してください',
  );
}

export function withoutCertificate() {
  return unusable('the PFX file holds no certificate', 'PFX ファイルに証明書が含まれていません');
}

function fromPem(text: string): Outcome<CertificateBundle> {
  const keys = readPem(text).filter(({ label }) => label.endsWith('PRIVATE KEY'));
  if (keys.length === 0) return withoutKey();
  const certificates = readCertificates(text);
  if (!certificates.ok) return withoutCertificate();
  const privateKey = readPrivateKey(text);
  if (!privateKey.ok) return privateKey;
  return {
    ok: true,
    value: { certificates: certificates.value, privateKey: privateKey.value, isOldPfx: true },
  };
}

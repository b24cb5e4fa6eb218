import { readCertificates, readPrivateKey } from '@culvert/certificates/bundle.ts';
import { examineClientCertificate } from '@culvert/certificates/client-certificate.ts';
import { explainWeakKey } from '@culvert/certificates/key-strength.ts';
import { readPfx } from '@culvert/certificates/pfx.ts';
import { nameOf } from '@culvert/certificates/rules/subject.ts';
import { assessSiteCertificate, type SiteCertificateResult } from '@culvert/certificates/site-certificate.ts';
import type { Findings, StandaloneConfiguration } from '@culvert/contracts';
import { type Accounts, parseAccounts } from '../passwords/accounts.ts';
import { aboutFile, readNamedFile, warnIfWorldReadable } from './files.ts';
import type { ClientCertificates } from './loaded-configuration.ts';

type Tls = StandaloneConfiguration['tls'];
type Method = StandaloneConfiguration['authentication'][number];
type Bundle = Parameters<typeof assessSiteCertificate>[0];

/** Reads the site certificate and applies every rule. `publicAddress` undefined means that it is itself wrong. */
export async function readSiteCertificate(
  tls: Tls,
  publicAddress: string | undefined,
  now: Date,
  findings: Findings,
): Promise<SiteCertificateResult | undefined> {
  const pfx = 'pfxFile' in tls;
  const bundle = pfx ? await readPfxBundle(tls, findings) : await readPemBundle(tls, findings);
  if (bundle === undefined || publicAddress === undefined) return undefined;
  const field = pfx ? 'tls.pfxFile' : 'tls.certificateFile';
  const file = pfx ? tls.pfxFile : tls.certificateFile;
  const result = assessSiteCertificate(bundle, publicAddress, now);
  findings.problems.push(...result.problems.map((message) => aboutFile(field, file, message)));
  findings.warnings.push(...result.warnings.map((message) => aboutFile(field, file, message)));
  return result;
}

async function readPemBundle(
  tls: Extract<Tls, { certificateFile: string }>,
  findings: Findings,
): Promise<Bundle | undefined> {
  const [certificateText, keyText] = await Promise.all([
    readNamedFile(tls.certificateFile, 'tls.certificateFile', findings),
    readNamedFile(tls.privateKeyFile, 'tls.privateKeyFile', findings),
    warnIfWorldReadable(tls.privateKeyFile, 'tls.privateKeyFile', findings),
  ]);
  const certificates = certificateText && readCertificates(certificateText.toString('latin1'));
  const key = keyText && readPrivateKey(keyText.toString('latin1'));
  if (certificates?.ok === false) {
    findings.problems.push(aboutFile('tls.certificateFile', tls.certificateFile, certificates.message));
  }
  if (key?.ok === false)
    findings.problems.push(aboutFile('tls.privateKeyFile', tls.privateKeyFile, key.message));
  return certificates?.ok && key?.ok
    ? { certificates: certificates.value, privateKey: key.value }
    : undefined;
}

async function readPfxBundle(
  tls: Extract<Tls, { pfxFile: string }>,
  findings: Findings,
): Promise<Bundle | undefined> {
  const [der, password] = await Promise.all([
    readNamedFile(tls.pfxFile, 'tls.pfxFile', findings),
    tls.pfxPasswordFile === undefined
      ? Buffer.alloc(0)
      : readNamedFile(tls.pfxPasswordFile, 'tls.pfxPasswordFile', findings),
    warnIfWorldReadable(tls.pfxFile, 'tls.pfxFile', findings),
    tls.pfxPasswordFile && warnIfWorldReadable(tls.pfxPasswordFile, 'tls.pfxPasswordFile', findings),
  ]);
  if (der === undefined || password === undefined) return undefined;
  const result = await readPfx(der, password.toString('utf8').replace(/\r?\n$/, ''));
  if (result.ok) return result.value;
  findings.problems.push(aboutFile('tls.pfxFile', tls.pfxFile, result.message));
  return undefined;
}

/** Reads the users file; lines that cannot be read are problems. */
export async function readUsersFile(
  file: string,
  field: string,
  findings: Findings,
): Promise<Accounts | undefined> {
  const text = await readNamedFile(file, field, findings);
  if (text === undefined) return undefined;
  await warnIfWorldReadable(file, field, findings);
  const accounts = parseAccounts(text.toString('utf8'));
  findings.problems.push(...accounts.problems.map((problem) => aboutFile(field, file, problem)));
  if (accounts.hashes.size === 0 && accounts.problems.length === 0) {
    findings.warnings.push(
      aboutFile(
        field,
        file,
        'holds no account yet: add one with "npm run gateway -- passwd --file FILE NAME"',
      ),
    );
  }
  return accounts;
}

/** Reads the authorities of client certificates. */
export async function readAuthorities(
  method: Extract<Method, { kind: 'clientCertificate' }>,
  field: string,
  now: Date,
  findings: Findings,
): Promise<ClientCertificates | undefined> {
  const text = await readNamedFile(method.authoritiesFile, field, findings);
  const parsed = text && readCertificates(text.toString('latin1'));
  if (parsed?.ok === false) findings.problems.push(aboutFile(field, method.authoritiesFile, parsed.message));
  if (!parsed?.ok) return undefined;
  for (const authority of parsed.value) {
    const name = nameOf(authority);
    const weakness = explainWeakKey(authority.publicKey);
    if (!authority.ca) {
      findings.problems.push(
        aboutFile(field, method.authoritiesFile, `${name} is not a certification authority`),
      );
    }
    if (weakness !== undefined) {
      findings.problems.push(aboutFile(field, method.authoritiesFile, `${name}: ${weakness}`));
    }
    if (now > authority.validToDate) {
      const when = authority.validToDate.toISOString();
      findings.warnings.push(
        aboutFile(field, method.authoritiesFile, `${name} expired on ${when}; its certificates are refused`),
      );
    }
  }
  const rule = { authorities: parsed.value, identity: method.identity };
  return {
    use: method.use,
    identity: method.identity,
    examine: (chain, possessionProved, at) => examineClientCertificate(chain, possessionProved, rule, at),
  };
}

import { type webcrypto, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as pkijs from 'pkijs';
import { readCertificates, readPrivateKey } from './bundle.ts';
import {
  type Authority,
  certificateDer,
  certificatePem,
  issueCertificate,
  keyAlgorithm,
  makeAuthority,
  newKeys,
  privateKeyPem,
} from './issue.ts';
import { renewalWarningDays } from './rules/dates.ts';
import { assessSiteCertificate } from './site-certificate.ts';

/** Files of a certificate that the gateway made for itself. */
export interface OwnCertificate {
  certificateFile: string;
  privateKeyFile: string;
  /** Certificate of the authority, to install on devices. */
  authorityFile: string;
  /** SHA-256 of the authority's certificate, `AB:CD:…`, to compare on the device. */
  authorityFingerprint: string;
}

const dayMilliseconds = 86_400_000;
const authorityDays = 3650;
/** Below every limit of every platform (398 days). */
const siteDays = 397;

/**
 * A certificate for `publicAddress` from a small authority of our own, for a first start without any.
 * What is in the directory is used again as long as it fits; the authority stays, so devices trust the next one too.
 */
export async function ensureOwnCertificate(
  directory: string,
  publicAddress: string,
  now: Date,
): Promise<OwnCertificate> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const files = {
    certificateFile: join(directory, 'site.crt'),
    privateKeyFile: join(directory, 'site.key'),
    authorityFile: join(directory, 'authority.crt'),
  };
  const authority = await ensureAuthority(files.authorityFile, join(directory, 'authority.key'), now);
  if (!(await isStillGood(files, authority.certificate, publicAddress, now))) {
    const site = await issueSite(authority, publicAddress, now);
    await writeWhole(files.privateKeyFile, privateKeyPem(site.privateKey), 0o600);
    const chain = [certificatePem(site.certificate), certificatePem(authority.certificate)].join('');
    await writeWhole(files.certificateFile, chain, 0o644);
  }
  return {
    ...files,
    authorityFingerprint: new X509Certificate(certificateDer(authority.certificate)).fingerprint256,
  };
}

async function ensureAuthority(certificateFile: string, keyFile: string, now: Date): Promise<Authority> {
  const [certificateText, keyText] = await Promise.all([readIfThere(certificateFile), readIfThere(keyFile)]);
  if (certificateText !== undefined && keyText !== undefined) {
    const certificates = readCertificates(certificateText);
    const key = readPrivateKey(keyText);
    const certificate = certificates.ok ? certificates.value[0] : undefined;
    if (
      certificate !== undefined &&
      key.ok &&
      certificate.checkPrivateKey(key.value) &&
      daysLeft(certificate, now) > siteDays
    ) {
      const privateKey = key.value.toCryptoKey(keyAlgorithm, true, ['sign']);
      return { certificate: pkijs.Certificate.fromBER(certificate.raw), privateKey };
    }
  }
  const authority = await makeAuthority('Culvert gateway authority', authorityDays, now);
  await writeWhole(keyFile, privateKeyPem(authority.privateKey), 0o600);
  await writeWhole(certificateFile, certificatePem(authority.certificate), 0o644);
  return authority;
}

async function isStillGood(
  files: { certificateFile: string; privateKeyFile: string },
  authority: pkijs.Certificate,
  publicAddress: string,
  now: Date,
): Promise<boolean> {
  const [certificateText, keyText] = await Promise.all([
    readIfThere(files.certificateFile),
    readIfThere(files.privateKeyFile),
  ]);
  if (certificateText === undefined || keyText === undefined) return false;
  const certificates = readCertificates(certificateText);
  const key = readPrivateKey(keyText);
  if (!certificates.ok || !key.ok) return false;
  const leaf = certificates.value[0];
  if (leaf === undefined || !leaf.verify(new X509Certificate(certificateDer(authority)).publicKey))
    return false;
  const result = assessSiteCertificate(
    { certificates: certificates.value, privateKey: key.value },
    publicAddress,
    now,
  );
  return result.problems.length === 0 && daysLeft(leaf, now) > renewalWarningDays;
}

async function issueSite(
  authority: Authority,
  publicAddress: string,
  now: Date,
): Promise<{ certificate: pkijs.Certificate; privateKey: webcrypto.CryptoKey }> {
  const { publicKey, privateKey } = await newKeys();
  const wish = {
    commonName: publicAddress,
    publicKey,
    alternativeNames: [publicAddress],
    purpose: 'server',
    days: siteDays,
  } as const;
  return { certificate: await issueCertificate(authority, wish, now), privateKey };
}

function daysLeft(certificate: X509Certificate, now: Date): number {
  return (certificate.validToDate.getTime() - now.getTime()) / dayMilliseconds;
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.new`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, file);
}

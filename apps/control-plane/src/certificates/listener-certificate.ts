import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCertificates, readPrivateKey } from '@culvert/certificates/bundle.ts';
import { readPfx } from '@culvert/certificates/pfx.ts';
import { ensureOwnCertificate } from '@culvert/certificates/self-signed.ts';
import type { ControlPlaneConfiguration } from '../configuration/control-plane-configuration.ts';
import { ConfigurationError } from '../configuration/load.ts';

/** What the HTTPS listener shows. */
export interface ListenerCertificate {
  /** PEM, leaf first. */
  cert: string;
  key: string;
  /** Of the authority that we made ourselves; absent when the administrator brought a certificate. */
  authority?: { file: string; fingerprint: string };
}

/** The certificate of the configuration, or one of our own for the host of the public address. */
export async function listenerCertificate(
  { tls, publicUrl, stateDirectory }: ControlPlaneConfiguration,
  now: Date,
): Promise<ListenerCertificate> {
  if (tls === undefined) {
    const host = new URL(publicUrl).hostname.replace(/^\[|\]$/g, '');
    const own = await ensureOwnCertificate(join(stateDirectory, 'tls'), host, now);
    return {
      cert: await readFile(own.certificateFile, 'utf8'),
      key: await readFile(own.privateKeyFile, 'utf8'),
      authority: { file: own.authorityFile, fingerprint: own.authorityFingerprint },
    };
  }
  if ('pfxFile' in tls) {
    const password =
      tls.pfxPasswordFile === undefined
        ? ''
        : (await readNamed('tls.pfxPasswordFile', tls.pfxPasswordFile)).toString().trimEnd();
    const bundle = await readPfx(await readNamed('tls.pfxFile', tls.pfxFile), password);
    if (!bundle.ok) throw new ConfigurationError(`tls.pfxFile: ${tls.pfxFile}: ${bundle.message}`);
    return {
      cert: bundle.value.certificates.map(String).join(''),
      key: bundle.value.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }
  const cert = (await readNamed('tls.certificateFile', tls.certificateFile)).toString();
  const key = (await readNamed('tls.privateKeyFile', tls.privateKeyFile)).toString();
  const certificates = readCertificates(cert);
  if (!certificates.ok)
    throw new ConfigurationError(`tls.certificateFile: ${tls.certificateFile}: ${certificates.message}`);
  const privateKey = readPrivateKey(key);
  if (!privateKey.ok)
    throw new ConfigurationError(`tls.privateKeyFile: ${tls.privateKeyFile}: ${privateKey.message}`);
  if (certificates.value[0]?.checkPrivateKey(privateKey.value) !== true) {
    throw new ConfigurationError(
      `tls.privateKeyFile: ${tls.privateKeyFile} does not belong to the first certificate of ${tls.certificateFile}`,
    );
  }
  return { cert, key };
}

async function readNamed(field: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new ConfigurationError(
      `${field}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}

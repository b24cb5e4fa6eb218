import { readFileSync, statSync } from 'node:fs';
import { readServerCertificate } from '@culvert/certificates/rules/read-server-certificate.ts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import { writeSharedFile } from '../host-layout/shared-file.ts';
import { type Preparation, type PreparedCertificate, prepareCertificate } from './prepare.ts';

type Places = Pick<HostLayout, 'certificates' | 'privateKeys'>;

/**
 * Puts a certificate where the gateway reads it. Chain and key are one file, so that a gateway that is started in this moment finds
 * either the old pair or the new one.
 */
export function activate(
  { certificates, privateKeys }: Places,
  { bundle, chain }: Pick<PreparedCertificate, 'bundle' | 'chain'>,
  groupId: number,
): void {
  writeSharedFile(privateKeys.active, bundle, 0o640, groupId);
  // For whoever looks; nothing depends on it.
  writeSharedFile(certificates.active, chain, 0o644, groupId);
}

/** The certificate in use, by the rules of the moment; undefined when there is none, or it cannot be read. */
export async function activeCertificate(
  { privateKeys }: Places,
  publicAddress: string | undefined,
  now: Date,
): Promise<Preparation | undefined> {
  if (statSync(privateKeys.active, { throwIfNoEntry: false }) === undefined) return undefined;
  const read = await readServerCertificate(readFileSync(privateKeys.active));
  return read.ok ? prepareCertificate(read.value, publicAddress, now) : undefined;
}

/** The text of the certificate in use, to go back to. */
export function activeText({ privateKeys }: Places): string | undefined {
  return statSync(privateKeys.active, { throwIfNoEntry: false }) === undefined
    ? undefined
    : readFileSync(privateKeys.active, 'utf8');
}

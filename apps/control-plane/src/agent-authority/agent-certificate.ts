import { type webcrypto, X509Certificate } from 'node:crypto';
import { certificateDer, certificatePem, issueCertificate } from '@culvert/certificates/issue.ts';
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { type AgentAuthority, fingerprintOf } from './authority.ts';

/** Days that the certificate of an agent is good for; it is renewed at two thirds. */
export const agentCertificateDays = 90;

/** Signs a certificate for the agent of a server and writes it down. Resolves to PEM: the certificate, then the authority's. */
export async function issueAgentCertificate(
  tables: Kysely<Tables>,
  authority: AgentAuthority,
  serverId: string,
  publicKey: webcrypto.CryptoKey,
  now: Date,
): Promise<string> {
  const certificate = await issueCertificate(
    authority,
    {
      commonName: serverId,
      publicKey,
      alternativeNames: [`urn:uuid:${serverId}`],
      purpose: 'client',
      days: agentCertificateDays,
    },
    now,
  );
  const { serialNumber, validFromDate, validToDate, raw } = new X509Certificate(certificateDer(certificate));
  await tables
    .insertInto('agent_certificates')
    .values({
      fingerprint: fingerprintOf(raw),
      server_id: serverId,
      serial: serialNumber.toLowerCase(),
      not_before: validFromDate.toISOString(),
      not_after: validToDate.toISOString(),
      issued_at: now.toISOString(),
      first_used_at: null,
      revoked_at: null,
    })
    .execute();
  return `${certificatePem(certificate)}${authority.pem}`;
}

/** Revokes the certificates of a server that are in force, but for one. Resolves to how many there were. */
export async function revokeCertificates(
  tables: Kysely<Tables>,
  serverId: string,
  now: Date,
  except = '',
): Promise<number> {
  const { numUpdatedRows } = await tables
    .updateTable('agent_certificates')
    .set({ revoked_at: now.toISOString() })
    .where('server_id', '=', serverId)
    .where('revoked_at', 'is', null)
    .where('fingerprint', '!=', except)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

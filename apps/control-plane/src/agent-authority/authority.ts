import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import {
  type Authority,
  certificatePem,
  keyAlgorithm,
  makeAuthority,
  privateKeyPem,
} from '@culvert/certificates/issue.ts';
import * as pkijs from 'pkijs';
import { type Actor, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';

/** The authority whose certificates agents and their listener have. */
export interface AgentAuthority extends Authority {
  /** PEM. */
  pem: string;
  /** SHA-256 of its certificate, lower-case hexadecimal. */
  fingerprint: string;
}

/** There is one; every replica signs with it. */
const authorityId = 'agents';
const authorityDays = 3650;
const purpose = 'agent authority';
const actor: Actor = { kind: 'system', name: 'agent authority' };

/** The authority of the database. Makes it at the first start; replicas that do so together agree on one. */
export async function agentAuthority({
  database,
  secrets,
  now,
}: Pick<Context, 'database' | 'secrets' | 'now'>): Promise<AgentAuthority> {
  const read = () =>
    database.tables
      .selectFrom('agent_authorities')
      .selectAll()
      .where('id', '=', authorityId)
      .executeTakeFirst();
  let row = await read();
  if (row === undefined) {
    await insert();
    row = await read();
  }
  if (row === undefined) throw new Error('the agent authority is not there after it was written');
  const certificate = new X509Certificate(row.certificate);
  const key = createPrivateKey(secrets.open(row.private_key, purpose));
  return {
    certificate: pkijs.Certificate.fromBER(certificate.raw),
    privateKey: key.toCryptoKey(keyAlgorithm, false, ['sign']),
    pem: row.certificate,
    fingerprint: fingerprintOf(certificate.raw),
  };

  async function insert(): Promise<void> {
    const at = now();
    const authority = await makeAuthority('Culvert agent authority', authorityDays, at);
    const values = {
      id: authorityId,
      certificate: certificatePem(authority.certificate),
      private_key: secrets.seal(privateKeyPem(authority.privateKey), purpose),
      created_at: at.toISOString(),
    };
    await database.tables.transaction().execute(async (tables) => {
      const { numInsertedOrUpdatedRows } = await tables
        .insertInto('agent_authorities')
        .values(values)
        .onConflict((conflict) => conflict.column('id').doNothing())
        .executeTakeFirst();
      // Another replica was first; its authority counts.
      if (numInsertedOrUpdatedRows !== 1n) return;
      const object = { kind: 'agentAuthority', id: authorityId, name: authorityId };
      await recordAudit(tables, { actor, action: 'agentAuthority.create', object, outcome: 'success' }, at);
    });
  }
}

/** SHA-256 of a certificate in DER, lower-case hexadecimal. */
export function fingerprintOf(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex');
}

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { InboundProbe, InboundProbeAnswer } from '@culvert/contracts';
import { addressKeyOf } from '../accounts/address-key.ts';
import { type Actor, recordAudit } from '../audit/record.ts';
import type { Context } from '../context.ts';
import { ApiError } from '../http/errors.ts';
import { explainForbidden } from './address-rule.ts';
import type { ProbeLimit } from './limit.ts';
import { probeAddress } from './probe.ts';

/** Addresses of a name that are tried. */
const mostAddresses = 4;

/** Who asks, and from which address. */
export interface ProbeCaller {
  /** What the limit counts by. */
  key: string;
  address: string;
  actor: Actor;
}

/**
 * Connects back to the address that a caller names, within the rules against misuse, and writes it down. Throws an ApiError for what the
 * rules forbid.
 */
export async function runProbe(
  { database, now }: Pick<Context, 'database' | 'now'>,
  limit: ProbeLimit,
  { key, address: from, actor }: ProbeCaller,
  { address, ...probe }: InboundProbe,
): Promise<InboundProbeAnswer> {
  // Looked up once: what was judged is what is connected to.
  const addresses = await addressesOf(address);
  for (const one of addresses) {
    const reason = explainForbidden(one, from);
    if (reason === undefined) continue;
    const shown = one === address ? one : `${address} (${one})`;
    throw new ApiError('BadRequest', `${shown} ${reason}`, {
      details: [{ path: 'address', message: reason }],
    });
  }
  const wait = limit.admit(key, addresses.map(addressKeyOf), now().getTime());
  if (wait > 0) {
    const message = `the last probe was only just; try again in ${wait} ${wait === 1 ? 'second' : 'seconds'}`;
    throw new ApiError('TooManyRequests', message, { retryAfter: wait });
  }
  const value = await limit.run(() =>
    Promise.all(addresses.map(async (one) => ({ address: one, ...(await probeAddress(one, probe)) }))),
  );
  await recordAudit(
    database.tables,
    {
      actor,
      action: 'inboundProbe.create',
      outcome: 'success',
      after: { address, port: probe.port, value },
    },
    now(),
  );
  return { value };
}

async function addressesOf(address: string): Promise<string[]> {
  if (isIP(address) !== 0) return [address];
  try {
    const found = await lookup(address, { all: true });
    return [...new Set(found.map((one) => one.address))].slice(0, mostAddresses);
  } catch {
    throw new ApiError('BadRequest', `the control plane cannot look up the name ${address}; check it`, {
      details: [{ path: 'address', message: 'is a name that the control plane cannot look up' }],
    });
  }
}

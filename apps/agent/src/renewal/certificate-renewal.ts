import type { ControlPlane } from '@culvert/control-plane-client/control-plane.ts';
import { Refused } from '@culvert/control-plane-client/failures.ts';
import type { Logger } from 'pino';
import { type Credentials, certificateOf } from '../identity/identity.ts';
import type { IdentityStore } from '../identity/identity-store.ts';
import type { Membership } from '../joining/membership.ts';
import { renewalDue, retryMilliseconds } from './due.ts';
import { renew } from './renew.ts';

export interface CertificateRenewalOptions {
  store: IdentityStore;
  membership: Membership;
  logger: Logger;
  now: () => Date;
  random: () => number;
  /** Uses a certificate for the first time. Rejects when it does not work. */
  prove: (controlPlane: ControlPlane) => Promise<void>;
  /** Called when another certificate is in use. */
  replaced: () => void;
}

/** Renews the certificate of this agent in time. The old one stays in use until the new one has worked. */
export class CertificateRenewal {
  readonly #options: CertificateRenewalOptions;
  readonly #random: number;
  #triedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CertificateRenewalOptions) {
    this.#options = options;
    this.#random = options.random();
  }

  /** Asked at each check-in, with the time of the moment, so that a clock that was moved does no harm. */
  isDue(): boolean {
    const { membership, now } = this.#options;
    if (membership.identity === undefined) return false;
    const time = now().getTime();
    if (Math.abs(time - this.#triedAt) < retryMilliseconds) return false;
    return time >= this.dueAt(membership.identity.credentials);
  }

  /** Unix milliseconds. */
  dueAt(credentials: Credentials): number {
    return renewalDue(certificateOf(credentials), this.#random);
  }

  /** Uses a certificate that an earlier process has received, and was killed before it could. */
  async takeUp(): Promise<void> {
    const { next } = this.#options.membership;
    if (next === undefined) return;
    await this.#use(next).catch((error: unknown) =>
      this.#options.logger.warn({ reason: String(error) }, 'a renewed certificate does not work yet'),
    );
  }

  /** Resolves to a sentence; rejects with the reason, and the old certificate stays in use. */
  async renew(): Promise<string> {
    const { store, membership, now, logger } = this.#options;
    const { identity } = membership;
    if (identity === undefined) throw new Error('this server has not joined a control plane yet');
    this.#triedAt = now().getTime();
    const credentials = await renew(store, membership.controlPlane(), identity);
    await this.#use(credentials);
    const until = certificateOf(credentials).validToDate.toISOString();
    logger.info({ until }, 'the certificate of this agent was renewed');
    return `the certificate is good until ${until}`;
  }

  async #use(credentials: Credentials): Promise<void> {
    const { store, membership, prove, replaced } = this.#options;
    const { identity } = membership;
    if (identity === undefined) return;
    const candidate = membership.connectWith(credentials);
    try {
      await prove(candidate);
    } catch (error) {
      if (error instanceof Refused && error.code !== 'unavailable' && error.code !== 'tooManyRequests')
        await store.discard();
      throw error;
    } finally {
      await candidate.close();
    }
    await store.promote();
    membership.use({ ...identity, credentials });
    replaced();
  }
}

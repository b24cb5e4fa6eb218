import { X509Certificate } from 'node:crypto';
import { access, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseJoinToken } from '@culvert/contracts';
import { ControlPlane } from '@culvert/control-plane-client/control-plane.ts';
import { Refused } from '@culvert/control-plane-client/failures.ts';
import { type HttpProxy, proxyFor } from '@culvert/control-plane-client/proxy.ts';
import { fingerprintOf } from '@culvert/control-plane-client/trust.ts';
import type { Logger } from 'pino';
import { backOff } from '../check-in/delays.ts';
import type { Credentials, Identity } from '../identity/identity.ts';
import type { IdentityStore } from '../identity/identity-store.ts';
import { joinWithToken } from './join-with-token.ts';
import { waitForToken } from './token-file.ts';

export interface MembershipOptions {
  store: IdentityStore;
  tokenFile: string;
  proxy: HttpProxy | undefined;
  environment: NodeJS.ProcessEnv;
  logger: Logger;
  now: () => Date;
  random: () => number;
  signal: AbortSignal;
}

/** Milliseconds between two looks whether `agent join` was run. */
const lookMilliseconds = 1_000;

/** Whether this server belongs to a control plane, and as which; joins with a token that it is given. */
export class Membership {
  readonly #options: MembershipOptions;
  #identity: Identity | undefined;
  #next: Credentials | undefined;
  #controlPlane: ControlPlane | undefined;
  #watch: AbortController | undefined;
  /** The control plane has said that this server has to join again. */
  #hasEnded = false;
  /** What keeps this server from being joined; undefined when nothing does. */
  trouble: string | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Credentials that an earlier process has received and not used yet. */
  get next(): Credentials | undefined {
    return this.#next;
  }

  controlPlane(): ControlPlane {
    if (this.#controlPlane === undefined) throw new Error('this server has not joined a control plane yet');
    return this.#controlPlane;
  }

  /** Resolves when the server has joined, at once where it has already, or when the signal comes. */
  async joined(): Promise<void> {
    const { store, logger, tokenFile } = this.#options;
    const stored = await store.load();
    if (stored.kind === 'joined') {
      this.#next = stored.next;
      this.use(stored.identity);
      return;
    }
    const toDo = `put a join token into ${tokenFile}`;
    this.trouble =
      stored.kind === 'none'
        ? `this server has not joined a control plane: run "agent join", or ${toDo}`
        : `${stored.message}; or ${toDo}`;
    // With a token there it joins in a moment.
    if (stored.kind !== 'none' || !(await isThere(tokenFile))) logger.warn(this.trouble);
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = this.watchForToken(resolve);
    await Promise.race([promise, watch]);
  }

  /** The control plane answers: no token is needed. */
  isWell(): void {
    this.#watch?.abort();
    this.#hasEnded = false;
    this.trouble = undefined;
  }

  /**
   * Watches, if that is not done already, for a token to join with, and for `agent join`. Resolves when the watch has ended.
   * `hasEnded` when the control plane has said that this server has to join again.
   */
  async watchForToken(joined: () => void, hasEnded = false): Promise<void> {
    this.#hasEnded = hasEnded;
    if (this.#watch !== undefined && !this.#watch.signal.aborted) return;
    const watch = new AbortController();
    this.#watch = watch;
    const signal = AbortSignal.any([watch.signal, this.#options.signal]);
    const takeOver = () => {
      watch.abort();
      joined();
    };
    const other = this.#watchForJoin(signal, takeOver);
    await this.#watchFile(signal, takeOver);
    await other;
  }

  /** Takes over what `agent join` has written, as it is done by a person while the agent runs. */
  async #watchForJoin(signal: AbortSignal, joined: () => void): Promise<void> {
    const { store } = this.#options;
    // What is on the disk at the beginning is known not to do.
    const before = await store.certificate();
    while (!signal.aborted) {
      await sleep(lookMilliseconds, undefined, { signal }).catch(() => {});
      if (signal.aborted || !(await store.hasOther(before))) continue;
      const stored = await store.load();
      if (stored.kind !== 'joined') continue;
      this.use(stored.identity);
      this.#options.logger.info({ serverId: stored.identity.membership.serverId }, 'this server has joined');
      joined();
    }
  }

  async #watchFile(signal: AbortSignal, joined: () => void): Promise<void> {
    let tried: string | undefined;
    let failures = 0;
    while (!signal.aborted) {
      const token = await this.#token(tried, signal);
      if (token === undefined) return;
      if (!this.#isNeeded(token)) {
        await sleep(lookMilliseconds, undefined, { signal }).catch(() => {});
        continue;
      }
      const outcome = await this.#join(token);
      if (outcome === 'joined') {
        joined();
        return;
      }
      if (outcome === 'useless') tried = token;
      else {
        failures += 1;
        const delay = backOff(failures, undefined, this.#options.random());
        await sleep(delay, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** Takes over an identity for everything that follows. */
  use(identity: Identity): void {
    const { proxy: setting, environment, now } = this.#options;
    const { membership, credentials } = identity;
    const proxy = proxyFor(new URL(membership.url), setting, environment);
    const before = this.#controlPlane;
    this.#controlPlane = connect(identity, credentials, proxy, now);
    this.#identity = identity;
    this.trouble = undefined;
    void before?.close();
  }

  /** Another way to the same control plane, with other credentials. */
  connectWith(credentials: Credentials): ControlPlane {
    if (this.#identity === undefined) throw new Error('this server has not joined a control plane yet');
    const { proxy: setting, environment, now } = this.#options;
    const proxy = proxyFor(new URL(this.#identity.membership.url), setting, environment);
    return connect(this.#identity, credentials, proxy, now);
  }

  async close(): Promise<void> {
    await this.#controlPlane?.close();
  }

  async #token(tried: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const { tokenFile, logger } = this.#options;
    try {
      return await waitForToken(tokenFile, tried, signal);
    } catch (error) {
      logger.error({ file: tokenFile, reason: String(error) }, 'the join token cannot be read');
      return undefined;
    }
  }

  /** While the control plane that a token is of is only away, this server stays the one that it is there. */
  #isNeeded(text: string): boolean {
    if (this.#identity === undefined || this.#hasEnded) return true;
    const { url, authority } = this.#identity.membership;
    const token = parseJoinToken(text);
    return token?.url !== url || token.fingerprint !== fingerprintOf(new X509Certificate(authority));
  }

  /** `useless` when the token will never do, `later` when it is worth another attempt. */
  async #join(token: string): Promise<'joined' | 'useless' | 'later'> {
    const { store, tokenFile, logger } = this.#options;
    try {
      const { serverId, displayName, url } = await joinWithToken(token, this.#options);
      const stored = await store.load();
      if (stored.kind !== 'joined') throw new Error('what was written when joining cannot be read');
      await rm(tokenFile, { force: true });
      this.use(stored.identity);
      logger.info({ serverId, displayName, url }, 'this server has joined');
      return 'joined';
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const isLater =
        error instanceof Refused ? isPassing(error.code) : !reason.startsWith('this is no join');
      const what = `the join token in ${tokenFile} does not do: ${reason}`;
      if (this.trouble !== what) logger.error(what);
      this.trouble = what;
      return isLater ? 'later' : 'useless';
    }
  }
}

function isPassing(code: Refused['code']): boolean {
  return code === 'unavailable' || code === 'tooManyRequests';
}

function connect(
  { membership: { url, authority } }: Identity,
  credentials: Credentials,
  proxy: HttpProxy | undefined,
  now: () => Date,
): ControlPlane {
  return new ControlPlane({ url, authority, credentials, now, ...(proxy === undefined ? {} : { proxy }) });
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

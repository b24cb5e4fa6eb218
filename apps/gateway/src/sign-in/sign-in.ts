import type { Platform } from '@culvert/contracts';
import { originOf } from '../addresses/networks.ts';
import type { ClientCertificates, PasswordFile } from '../configuration/loaded-configuration.ts';
import { platformNames } from '../platforms/platform.ts';
import type { GuessingGuard } from '../protection/guessing-guard.ts';
import type { DeviceFacts } from '../sessions/session.ts';
import type { SignInAnswer } from './documents.ts';
import type { Message, Messages } from './messages.ts';
import { maximumCredentialLength, type SignInRequest } from './request.ts';
import { openState, type SignInState, sealState } from './state-token.ts';

/** Wrong passwords in one sign-in, after which the client has to start over. */
export const maximumFailures = 3;
/** Sign-ins in progress at one time, including those that are being slowed down. */
export const maximumPending = 4096;

/** Of those, the ones of a single address or IPv6 /64: an office behind one address signs in together on Monday. */
export const maximumPendingOfOrigin = 256;

/** What the configuration says about who may sign in. */
export interface SignInPolicy {
  allowedPlatforms: readonly Platform[];
  passwords: PasswordFile | undefined;
  clientCertificates: ClientCertificates | undefined;
  messages: Messages;
}

/** What is known about the device besides the request's body. */
export interface SignInDevice {
  facts: DeviceFacts;
  certificateChain: Buffer[];
  possessionProved: boolean;
  /** The `webvpncontext` cookie. */
  stateCookie: string | undefined;
}

export type RefusalReason =
  | 'wrongPassword'
  | 'banned'
  | 'busy'
  | 'expired'
  | 'platform'
  | 'certificateMissing'
  | 'certificateRefused'
  | 'certificateOfAnother'
  | 'tooManySessions'
  | 'noAddress';

export type Admission =
  | { kind: 'admitted'; sessionId: string; cookie: string }
  | { kind: 'tooManySessions' }
  | { kind: 'noAddress' };

/** The world around a sign-in; everything that is not a decision. */
export interface SignInWorld {
  now(): number;
  random(bytes: number): Buffer;
  wait(milliseconds: number): Promise<void>;
  /** Signs the state between two steps. */
  key: Buffer;
  guard: GuessingGuard;
  admit(user: string, facts: DeviceFacts): Admission;
  refused(reason: RefusalReason, user: string | undefined, facts: DeviceFacts, detail?: string): void;
}

type Certificate =
  | { kind: 'none' }
  | { kind: 'account'; account: string }
  | { kind: 'refused'; error: Message };

/**
 * Signing in: [certificate] → user name and password → session. Between two requests everything is in the
 * state token, so each step may come on a connection of its own.
 */
export class SignIn {
  policy: SignInPolicy;
  readonly #world: SignInWorld;
  #pending = 0;
  readonly #pendingOfOrigin = new Map<string, number>();

  constructor(policy: SignInPolicy, world: SignInWorld) {
    this.policy = policy;
    this.#world = world;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Answers one request. Never throws for anything that a client can send. */
  async answer(
    request: Exclude<SignInRequest, { kind: 'logout' }>,
    device: SignInDevice,
  ): Promise<SignInAnswer> {
    const { messages, allowedPlatforms } = this.policy;
    const { facts } = device;
    const until = this.#world.guard.bannedUntil(facts.remoteAddress, this.#world.now());
    if (until !== undefined) return this.#banned(until);
    if (!allowedPlatforms.includes(facts.platform)) {
      return this.#refuse(
        'platform',
        messages.platformRefused(platformNames[facts.platform]),
        undefined,
        facts,
      );
    }
    const certificate = this.#examineCertificate(device);
    if (certificate.kind === 'refused') return { kind: 'refused', error: certificate.error };

    if (this.policy.clientCertificates?.use === 'alone' && certificate.kind === 'account') {
      return this.#admit(certificate.account, facts);
    }
    if (request.kind === 'init') return this.#form(0);
    return this.#reply(request, certificate, device);
  }

  async #reply(
    request: Extract<SignInRequest, { kind: 'reply' }>,
    certificate: Certificate,
    device: SignInDevice,
  ): Promise<SignInAnswer> {
    const { messages } = this.policy;
    const world = this.#world;
    const state = openState(request.state ?? device.stateCookie, world.key, world.now());
    if (state === undefined) return this.#form(0, messages.expired);
    if (state.failures >= maximumFailures) return { kind: 'refused', error: messages.tooManyTries };
    const origin = originOf(device.facts.remoteAddress);
    const pendingOfOrigin = this.#pendingOfOrigin.get(origin) ?? 0;
    if (this.#pending >= maximumPending || pendingOfOrigin >= maximumPendingOfOrigin) {
      world.refused('busy', undefined, device.facts);
      return this.#form(state.failures, messages.busy, state);
    }
    this.#pending += 1;
    this.#pendingOfOrigin.set(origin, pendingOfOrigin + 1);
    try {
      return await this.#checkPassword(request, certificate, device.facts, state);
    } finally {
      this.#pending -= 1;
      const left = (this.#pendingOfOrigin.get(origin) ?? 1) - 1;
      if (left === 0) this.#pendingOfOrigin.delete(origin);
      else this.#pendingOfOrigin.set(origin, left);
    }
  }

  async #checkPassword(
    { username: typed, password }: { username: string; password: string },
    certificate: Certificate,
    facts: DeviceFacts,
    state: SignInState,
  ): Promise<SignInAnswer> {
    // One spelling for each account, whichever way the keyboard composes an accent: what follows counts by name.
    const username = typed.slice(0, maximumCredentialLength + 1).normalize('NFC');
    const { messages, passwords } = this.policy;
    const { guard, now, wait, refused } = this.#world;
    const account = username.slice(0, maximumCredentialLength);
    const verdict = guard.begin(facts.remoteAddress, account, now());
    if (verdict.kind === 'banned') return this.#banned(verdict.until);
    try {
      if (verdict.delayMilliseconds > 0) await wait(verdict.delayMilliseconds);
      const readable =
        username !== '' &&
        username.length <= maximumCredentialLength &&
        password.length <= maximumCredentialLength;
      // The certificate is proved before the password is asked, so a mismatch tells nothing about the password.
      const mismatch = certificate.kind === 'account' && certificate.account !== username;
      const result =
        readable && !mismatch && passwords !== undefined
          ? await passwords.verify(username, password)
          : 'refused';
      // Guesses that were in flight when the ban came learn nothing, not even from a right password.
      const until = guard.bannedUntil(facts.remoteAddress, now());
      if (until !== undefined) return this.#banned(until);
      if (result === 'busy') {
        refused('busy', account, facts);
        return this.#form(state.failures, messages.busy, state);
      }
      if (result === 'accepted') {
        guard.succeeded(account);
        return this.#admit(username, facts);
      }
      refused(mismatch ? 'certificateOfAnother' : 'wrongPassword', account, facts);
      const ban = guard.failed(facts.remoteAddress, account, now());
      if (ban !== undefined) {
        refused('banned', account, facts);
        return this.#banned(ban);
      }
      const failures = state.failures + 1;
      if (failures >= maximumFailures) return { kind: 'refused', error: messages.tooManyTries };
      return this.#form(failures, mismatch ? messages.certificateOfAnother : messages.wrongPassword, state);
    } finally {
      guard.end(account);
    }
  }

  #examineCertificate({ certificateChain, possessionProved, facts }: SignInDevice): Certificate {
    const { clientCertificates, passwords, messages } = this.policy;
    if (clientCertificates === undefined) return { kind: 'none' };
    // Both ways configured, each enough by itself: no certificate means that the password decides.
    const optional = clientCertificates.use === 'alone' && passwords !== undefined;
    if (optional && certificateChain.length === 0) return { kind: 'none' };
    const refuse = (reason: RefusalReason, error: Message, detail?: string): Certificate => {
      this.#world.refused(reason, undefined, facts, detail);
      return { kind: 'refused', error };
    };
    // Not <client-cert-request/>: the TLS handshake has asked already, and asking again only loops (§4.3).
    if (certificateChain.length === 0) return refuse('certificateMissing', messages.certificateMissing);
    const verdict = clientCertificates.examine(
      certificateChain,
      possessionProved,
      new Date(this.#world.now()),
    );
    if (verdict.kind === 'refused') {
      const detail = `${verdict.reason}: ${verdict.detail}`;
      return refuse('certificateRefused', messages.certificateRefused(verdict.detail), detail);
    }
    return { kind: 'account', account: verdict.account.normalize('NFC') };
  }

  #admit(user: string, facts: DeviceFacts): SignInAnswer {
    const { messages } = this.policy;
    const admission = this.#world.admit(user, facts);
    if (admission.kind === 'admitted') {
      return { kind: 'complete', sessionId: admission.sessionId, cookie: admission.cookie };
    }
    return this.#refuse(admission.kind, messages[admission.kind], user, facts);
  }

  #form(failures: number, error?: Message, state?: SignInState): SignInAnswer {
    const { key, now, random } = this.#world;
    const { nonce, startedAt } = state ?? { nonce: random(8).toString('hex'), startedAt: now() };
    const token = sealState({ nonce, startedAt, failures }, key);
    return { kind: 'form', state: token, ...(error === undefined ? {} : { error }) };
  }

  #banned(until: number): SignInAnswer {
    const minutes = Math.max(1, Math.ceil((until - this.#world.now()) / 60_000));
    return { kind: 'refused', error: this.policy.messages.banned(minutes) };
  }

  #refuse(reason: RefusalReason, error: Message, user: string | undefined, facts: DeviceFacts): SignInAnswer {
    this.#world.refused(reason, user, facts);
    return { kind: 'refused', error };
  }
}

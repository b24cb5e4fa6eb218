import { Secret, TOTP } from 'otpauth';

/** What every authenticator app understands (RFC 6238 §1.2 and Google's key URI format). */
const parameters = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
/** Steps before and after the present one: clocks of phones differ, and people type slowly (RFC 6238 §5.2). */
const window = 1;
/** RFC 4226 §4: 160 bits. */
const secretBytes = 20;

/** A new secret in base32. */
export function newTotpSecret(): string {
  return new Secret({ size: secretBytes }).base32;
}

/** The address that an authenticator app reads from a QR code. */
export function otpauthUrl(secret: string, issuer: string, userName: string): string {
  return new TOTP({ ...parameters, issuer, label: userName, secret: Secret.fromBase32(secret) }).toString();
}

/** The time step whose code this is; undefined when it is none of the steps around now. */
export function stepOfCode(secret: string, code: string, now: Date): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const timestamp = now.getTime();
  const delta = TOTP.validate({
    ...parameters,
    secret: Secret.fromBase32(secret),
    token: code,
    timestamp,
    window,
  });
  return delta === null ? undefined : TOTP.counter({ period: parameters.period, timestamp }) + delta;
}

/** The code of this moment, as an app would show it. */
export function codeAt(secret: string, now: Date): string {
  return TOTP.generate({ ...parameters, secret: Secret.fromBase32(secret), timestamp: now.getTime() });
}

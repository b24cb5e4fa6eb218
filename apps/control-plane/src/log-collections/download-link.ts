import { createHmac, timingSafeEqual } from 'node:crypto';

/** Minutes for which an address to download logs is good. */
const minutes = 10;

/** Signs and checks addresses for downloads; they need no token, because a browser follows them. */
export class DownloadLinks {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** Query of the address: when it ends, and the signature. */
  sign(id: string, now: Date): string {
    const expires = now.getTime() + minutes * 60_000;
    return `expires=${expires}&signature=${this.#signature(id, String(expires))}`;
  }

  /** True when the address was signed for this object and has not ended. */
  isGood(id: string, expires: string, signature: string, now: Date): boolean {
    const expected = Buffer.from(this.#signature(id, expires));
    const given = Buffer.from(signature);
    const isSigned = expected.length === given.length && timingSafeEqual(expected, given);
    return isSigned && Number(expires) > now.getTime();
  }

  #signature(id: string, expires: string): string {
    return createHmac('sha256', this.#key).update(`logs\0${id}\0${expires}`).digest('base64url');
  }
}

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** NIST SP 800-38D §8.2.2: random 96-bit nonces. */
const nonceBytes = 12;
const tagBytes = 16;
const version = 'v1';

/** Encrypts secrets for the database with AES-256-GCM. */
export class SecretBox {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** `purpose` names the place of the secret; text that was moved to another place does not open there. */
  seal(secret: string, purpose: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(purpose));
    const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return `${version}.${Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url')}`;
  }

  /** Throws when the text was changed, moved, or sealed with another key. */
  open(sealed: string, purpose: string): string {
    const [head, text = ''] = sealed.split('.');
    const bytes = Buffer.from(text, 'base64url');
    if (head !== version || bytes.length < nonceBytes + tagBytes) throw new Error('not a sealed secret');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, nonceBytes))
      .setAAD(Buffer.from(purpose))
      .setAuthTag(bytes.subarray(-tagBytes));
    try {
      const body = decipher.update(bytes.subarray(nonceBytes, -tagBytes));
      return Buffer.concat([body, decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new Error(`the secret of ${purpose} does not open: it was sealed with another key, or changed`, {
        cause,
      });
    }
  }

  /** Tells keys apart without telling anything about them. */
  get keyId(): string {
    return this.deriveKey('key-identifier').toString('hex').slice(0, 16);
  }

  /** A key for another use, which tells nothing about this one (HKDF, RFC 5869). */
  deriveKey(use: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#key, '', use, 32));
  }
}

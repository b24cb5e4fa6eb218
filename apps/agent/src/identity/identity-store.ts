import { createPrivateKey } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, removeDurably, renameDurably, writeDurably } from '../files/durable-file.ts';
import { DamagedFile, JsonFile } from '../files/json-file.ts';
import { isUsableKey } from './certificate-request.ts';
import { type Credentials, certificateOf, type Identity, membershipSchema } from './identity.ts';

/** What is there of an identity. */
export type StoredIdentity =
  | { kind: 'none' }
  | { kind: 'joined'; identity: Identity; next?: Credentials }
  /** `message` names the file, what is wrong and what to do. `serverId` when it can still be told. */
  | { kind: 'damaged'; message: string; serverId?: string };

const remedy =
  'join again with a new join token for this server (agent join --again); the gateway goes on meanwhile';

/**
 * The files `agent.json`, `agent.key` and `agent.crt`. New ones are written whole beside them (`.next`) before they take
 * their place, one by one: whatever moment the process is killed at, a key and its certificate are there, and are found by
 * each other.
 */
export class IdentityStore {
  readonly #directory: string;
  readonly certificateFile: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.certificateFile = this.#path('agent.crt');
  }

  async load(): Promise<StoredIdentity> {
    await this.#finishJoining();
    const membership = await this.#membership('agent.json')
      .read()
      .catch((error: unknown) => {
        if (error instanceof DamagedFile) return error;
        throw error;
      });
    if (membership instanceof DamagedFile) return { kind: 'damaged', message: membership.message };
    const keys = await this.#readAll(['agent.key', 'agent.key.next']);
    const certificates = await this.#readAll(['agent.crt', 'agent.crt.next']);
    if (membership === undefined) {
      if (keys[0] === undefined && certificates[0] === undefined) return { kind: 'none' };
      return damaged(this.#path('agent.json'), 'is missing, though there is a key or a certificate');
    }
    const { serverId } = membership;
    const [ownKey, nextKey] = keys;
    const [ownCertificate, nextCertificate] = certificates;
    const own = pair(ownKey, ownCertificate);
    const next = pair(nextKey, nextCertificate);
    if (own !== undefined) {
      return {
        kind: 'joined',
        identity: { membership, credentials: own },
        ...(next === undefined ? {} : { next }),
      };
    }
    // Killed between the two renames: the key has its place already and the certificate has not.
    const halfway = pair(ownKey, nextCertificate);
    if (halfway !== undefined) {
      await renameDurably(this.#path('agent.crt.next'), this.certificateFile);
      return { kind: 'joined', identity: { membership, credentials: halfway } };
    }
    // The control plane has issued this one too, so it is better than none.
    if (next !== undefined) {
      await this.promote();
      return { kind: 'joined', identity: { membership, credentials: next } };
    }
    const [file, what] = this.#explain(ownKey, ownCertificate);
    return damaged(file, what, serverId);
  }

  /** Text of `agent.crt`, whatever it is worth. */
  certificate(): Promise<string | undefined> {
    return readIfThere(this.certificateFile);
  }

  /** True when somebody else has finished joining, and the certificate is another one than this. */
  async hasOther(certificate: string | undefined): Promise<boolean> {
    const names = ['agent.json', 'agent.json.next', 'agent.crt'];
    const [membership, next, present] = await this.#readAll(names);
    // While `agent.json.next` is there, the other one is in the middle of it.
    return membership !== undefined && next === undefined && present !== undefined && present !== certificate;
  }

  /** Takes over what the control plane has answered to a request to join. */
  async join({ membership, credentials }: Identity): Promise<void> {
    await this.stage(credentials);
    // Written last: when it is there, everything is.
    await this.#membership('agent.json.next').write(membership);
    await this.#finishJoining();
  }

  /** Keeps credentials beside those in use. */
  async stage({ privateKey, certificate }: Credentials): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeDurably(this.#path('agent.key.next'), privateKey);
    await writeDurably(this.#path('agent.crt.next'), certificate, 0o644);
  }

  /** The staged credentials have worked: they take the place of those in use. */
  async promote(): Promise<void> {
    await renameDurably(this.#path('agent.key.next'), this.#path('agent.key'));
    await renameDurably(this.#path('agent.crt.next'), this.certificateFile);
  }

  /** The staged credentials are of no use. */
  async discard(): Promise<void> {
    await removeDurably(this.#path('agent.crt.next'));
    await removeDurably(this.#path('agent.key.next'));
  }

  /** The server belongs to no control plane any more. */
  async forget(): Promise<void> {
    // The membership first: what is left without it is no identity.
    for (const name of ['agent.json', 'agent.crt', 'agent.key']) {
      await removeDurably(this.#path(`${name}.next`));
      await removeDurably(this.#path(name));
    }
  }

  async #finishJoining(): Promise<void> {
    if ((await readIfThere(this.#path('agent.json.next'))) === undefined) return;
    for (const name of ['agent.key', 'agent.crt', 'agent.json']) {
      const next = this.#path(`${name}.next`);
      if ((await readIfThere(next)) !== undefined) await renameDurably(next, this.#path(name));
    }
  }

  #explain(key: string | undefined, certificate: string | undefined): [string, string] {
    if (key === undefined) return [this.#path('agent.key'), 'is missing'];
    if (!isUsableKey(key)) return [this.#path('agent.key'), 'is damaged: it holds no P-256 key'];
    if (certificate === undefined) return [this.certificateFile, 'is missing'];
    return [this.certificateFile, 'is damaged, or of another key than agent.key'];
  }

  #readAll(names: readonly string[]): Promise<(string | undefined)[]> {
    return Promise.all(names.map((name) => readIfThere(this.#path(name))));
  }

  #membership(name: string) {
    return new JsonFile(this.#path(name), membershipSchema, remedy);
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}

function damaged(file: string, what: string, serverId?: string): StoredIdentity {
  return {
    kind: 'damaged',
    message: `${file} ${what}; ${remedy}`,
    ...(serverId === undefined ? {} : { serverId }),
  };
}

/** A key and the certificate of it; undefined when one is missing, damaged or not of the other. */
function pair(privateKey: string | undefined, certificate: string | undefined): Credentials | undefined {
  if (privateKey === undefined || certificate === undefined || !isUsableKey(privateKey)) return undefined;
  try {
    const credentials = { privateKey, certificate };
    return certificateOf(credentials).checkPrivateKey(createPrivateKey(privateKey)) ? credentials : undefined;
  } catch {
    // Not a certificate.
    return undefined;
  }
}

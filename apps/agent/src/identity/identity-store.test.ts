import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  certificatePem,
  issueCertificate,
  makeAuthority,
  newKeys,
  privateKeyPem,
} from '@culvert/certificates/issue.ts';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Credentials, Membership } from './identity.ts';
import { IdentityStore } from './identity-store.ts';

let directory: string;
let membership: Membership;
let first: Credentials;
let second: Credentials;

beforeAll(async () => {
  const now = new Date();
  const authority = await makeAuthority('Culvert agent authority', 3650, now);
  const issue = async (): Promise<Credentials> => {
    const { publicKey, privateKey } = await newKeys();
    const wish = {
      commonName: 's1',
      publicKey,
      alternativeNames: ['s1'],
      purpose: 'server' as const,
      days: 90,
    };
    const certificate = await issueCertificate(authority, wish, now);
    return { privateKey: privateKeyPem(privateKey), certificate: certificatePem(certificate) };
  };
  [first, second] = [await issue(), await issue()];
  membership = {
    serverId: 's1',
    siteId: 'site',
    displayName: 'Server 1',
    url: 'https://localhost:8444',
    authority: certificatePem(authority.certificate),
  };
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'identity-'));
});
afterEach(() => rm(directory, { recursive: true }));

const path = (name: string) => join(directory, name);
const stored = () => new IdentityStore(directory).load();

async function joined(): Promise<IdentityStore> {
  const store = new IdentityStore(directory);
  await store.join({ membership, credentials: first });
  return store;
}

describe('the identity of a server', () => {
  test('is in use once it was written whole, and a staged one is kept beside it', async () => {
    const store = await joined();
    expect(await stored()).toEqual({ kind: 'joined', identity: { membership, credentials: first } });
    await store.stage(second);
    expect(await stored()).toEqual({
      kind: 'joined',
      identity: { membership, credentials: first },
      next: second,
    });
    await store.promote();
    expect(await stored()).toEqual({ kind: 'joined', identity: { membership, credentials: second } });
    expect((await readdir(directory)).toSorted()).toEqual(['agent.crt', 'agent.json', 'agent.key']);
  });

  test('is found when the agent was killed between the renames of a renewal', async () => {
    const store = await joined();
    await store.stage(second);
    await rename(path('agent.key.next'), path('agent.key'));
    expect(await stored()).toEqual({ kind: 'joined', identity: { membership, credentials: second } });
  });

  test('is found when the agent was killed in the middle of joining again', async () => {
    const store = await joined();
    await store.stage(second);
    await writeFile(path('agent.json.next'), JSON.stringify({ ...membership, serverId: 's2' }));
    await rename(path('agent.key.next'), path('agent.key'));
    const identity = { membership: { ...membership, serverId: 's2' }, credentials: second };
    expect(await stored()).toEqual({ kind: 'joined', identity });
  });

  test.each(['agent.key', 'agent.crt'])('is the staged one when %s cannot be read', async (name) => {
    const store = await joined();
    await store.stage(second);
    await writeFile(path(name), 'damaged');
    expect(await stored()).toEqual({ kind: 'joined', identity: { membership, credentials: second } });
    expect(await stored()).toEqual({ kind: 'joined', identity: { membership, credentials: second } });
  });

  test.each([
    ['agent.json', 'is damaged'],
    ['agent.key', 'holds no P-256 key'],
    ['agent.crt', 'is damaged, or of another key'],
  ])('names %s when it is damaged, and says what to do', async (name, what) => {
    await joined();
    await writeFile(path(name), '{"');
    const found = await stored();
    expect(found).toMatchObject({ kind: 'damaged', message: expect.stringContaining(`${path(name)} `) });
    expect(found).toMatchObject({ message: expect.stringContaining(what) });
    expect(found).toMatchObject({ message: expect.stringContaining('agent join --again') });
  });
});

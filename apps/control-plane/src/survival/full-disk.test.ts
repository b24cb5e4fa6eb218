import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { WorkLimit } from '@culvert/passwords/work-limit.ts';
import { afterAll, expect, test } from 'vitest';
import { assign, makeAccount } from '../accounts/account-testing.ts';
import { openDatabase } from '../database/open.ts';
import { hashArtifact } from '../openid/artifact-hash.ts';
import { adminCentre } from '../openid/clients.ts';
import { beginSignIn } from '../openid/sign-in-sessions.ts';
import { configurationExample } from '../testing/graph.ts';
import { ControlPlaneProcess } from '../testing/process.ts';

const url = '/graph/beta/deviceManagement/microsoftTunnelConfigurations';
const directory = mkdtempSync(join(tmpdir(), 'culvert-full-disk-'));
const diskDirectory = join(directory, 'disk');
const seed = join(directory, 'seed.db');

/** A disk of 8 MB with a copy of the seed that only the process sees and that goes with it; without root in a user namespace of its own. */
const smallDisk = [
  'unshare',
  ...(userInfo().uid === 0 ? [] : ['--user', '--map-root-user']),
  '--mount',
  'sh',
  '-c',
  `mount -t tmpfs -o size=8m tmpfs ${diskDirectory} && cp ${seed} ${diskDirectory}/control.db && exec "$0" "$@"`,
];

const hour = 3_600_000;

let controlPlane: ControlPlaneProcess | undefined;
afterAll(async () => {
  await controlPlane?.remove();
  rmSync(directory, { recursive: true });
});

function fill(file: string): void {
  for (const size of [64 << 10, 1 << 10, 1]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

/** Signs somebody in, an hour ago; resolves to the access token. */
async function signSomebodyIn(): Promise<string> {
  const database = openDatabase(`sqlite:${seed}`);
  const { tables } = database;
  const now = new Date();
  const passwordWork = new WorkLimit({ concurrent: 1, waiting: 0 });
  const id = await makeAccount({ database, now: () => now, passwordWork }, 'kaori');
  await assign({ database, now: () => now, passwordWork }, 'account', id, 'administrator');
  const [token, grantId] = ['of-kaori', 'grant'];
  const expiresAt = new Date(now.getTime() + hour);
  await beginSignIn(
    tables,
    {
      account: { id, userName: 'kaori' },
      clientId: adminCentre,
      address: '192.0.2.1',
      userAgent: '',
      sessionUid: 'session',
      grantId,
      expiresAt,
    },
    new Date(now.getTime() - hour),
  );
  await tables
    .insertInto('openid_artifacts')
    .values({
      id: hashArtifact('AccessToken', token),
      kind: 'AccessToken',
      payload: '',
      account_id: id,
      client_id: adminCentre,
      grant_id: grantId,
      session_uid: 'session',
      user_code: null,
      scope: 'openid api',
      expires_at: expiresAt.toISOString(),
      consumed_at: null,
    })
    .execute();
  await database.close();
  return token;
}

test('a full disk refuses changes with 507 and nothing half-done, reading goes on, and space brings changes back', {
  timeout: 60_000,
}, async () => {
  mkdirSync(diskDirectory);
  const seeding = await ControlPlaneProcess.prepare(`sqlite:${seed}`);
  await seeding.useToken();
  const person = { authorization: `Bearer ${await signSomebodyIn()}` };
  const database = `sqlite:${join(diskDirectory, 'control.db')}`;
  const process = await ControlPlaneProcess.prepare(database, { sibling: seeding, wrapper: smallDisk });
  controlPlane = process;
  await process.start();
  // The disk as this process can reach it.
  const disk = `/proc/${process.pid}/root${diskDirectory}`;

  const acknowledged: string[] = [];
  const create = async (displayName: string) => {
    const answer = await process.request('POST', url, { ...configurationExample, displayName });
    if (answer.status === 201) acknowledged.push(displayName);
    return answer;
  };
  expect((await create('before')).status).toBe(201);

  fill(join(disk, 'filler'));
  let refused = await create('first');
  for (let attempt = 0; attempt < 500 && refused.status === 201; attempt += 1) {
    refused = await create(`filling-${attempt}`);
  }
  expect([refused.status, refused.body.error.code]).toEqual([507, 'InsufficientStorage']);
  for (let attempt = 0; attempt < 5; attempt += 1) {
    expect((await create(`refused-${attempt}`)).status).toBe(507);
    expect((await process.request('GET', url)).status).toBe(200);
    expect((await process.request('GET', url, undefined, person)).status).toBe(200);
    expect((await process.request('GET', '/readyz')).status).toBe(200);
  }

  rmSync(join(disk, 'filler'));
  expect((await create('after')).status).toBe(201);
  const present = await process.request('GET', `${url}?$select=displayName&$top=1000`);
  const names = present.body.value.map(({ displayName }: { displayName: string }) => displayName);
  expect(names.sort()).toEqual(acknowledged.sort());
  const action = "action eq 'microsoftTunnelConfiguration.create'";
  const entries = await process.request('GET', `/api/v1/auditEntries?$filter=${action}&$count=true`);
  expect(entries.body['@odata.count']).toBe(acknowledged.length);
  expect(await process.end('SIGTERM')).toBe(0);
});

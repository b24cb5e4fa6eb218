import { setTimeout as sleep } from 'node:timers/promises';
import { type PostgresqlServer, startPostgresql } from '@culvert/lab/database/postgresql.ts';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configurationExample } from '../testing/graph.ts';
import { ControlPlaneProcess } from '../testing/process.ts';

const url = '/graph/beta/deviceManagement/microsoftTunnelConfigurations';
/** Milliseconds within which an answer comes even when the database does not; the longest wait is for a connection. */
const bound = 10_000;

let postgresql: PostgresqlServer;
let controlPlane: ControlPlaneProcess;

beforeAll(async () => {
  postgresql = await startPostgresql();
  await administer('create database away');
  controlPlane = await ControlPlaneProcess.prepare(postgresql.url('away'));
  await controlPlane.start();
  await controlPlane.useToken();
}, 60_000);

afterAll(async () => {
  await controlPlane?.remove();
  await postgresql?.remove();
});

async function administer(statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: postgresql.url('postgres') });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

const connections = async () =>
  Number(
    (await administer("select count(*) from pg_stat_activity where datname = 'away'")).rows[0]?.count ?? 0,
  );

const create = (displayName: string) =>
  controlPlane.request('POST', url, { ...configurationExample, displayName });

/** Status and bounded time of the answers to many requests at once. */
async function askMany(): Promise<number[]> {
  const begin = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      index % 2 === 0 ? controlPlane.request('GET', url) : create(`many-${index}`),
    ),
  );
  expect(performance.now() - begin).toBeLessThan(bound);
  for (const { status, headers, body } of answers) {
    if (status !== 503) continue;
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(body.error.code).toBe('ServiceUnavailable');
  }
  return answers.map(({ status }) => status);
}

async function recover(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if ((await controlPlane.request('GET', '/readyz')).status === 200) return;
    await sleep(100);
  }
  throw new Error('it did not recover within ten seconds');
}

test.each(['politely', 'abruptly'] as const)(
  'a database that was stopped %s and comes back: 503 with Retry-After meanwhile, then all is well',
  { timeout: 60_000 },
  async (how) => {
    expect((await create(`before-${how}`)).status).toBe(201);
    const pid = controlPlane.pid;
    await postgresql.stop(how);
    expect(new Set(await askMany())).toEqual(new Set([503]));
    expect((await controlPlane.request('GET', '/livez')).status).toBe(200);
    const ready = await controlPlane.request('GET', '/readyz');
    expect([ready.status, Number(ready.headers['retry-after']) > 0]).toEqual([503, true]);
    await postgresql.start();
    await recover();
    expect(new Set(await askMany())).toEqual(new Set([200, 201]));
    expect([controlPlane.isRunning, controlPlane.pid]).toEqual([true, pid]);
    expect(await connections()).toBeLessThanOrEqual(10);
    const { body } = await controlPlane.request('GET', `${url}?$filter=displayName eq 'before-${how}'`);
    expect(body.value).toHaveLength(1);
  },
);

test('connections that end in the midst of transactions cost their requests only', {
  timeout: 60_000,
}, async () => {
  for (let round = 0; round < 5; round += 1) {
    const asked = askMany();
    await administer("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'away'");
    for (const status of await asked) expect([200, 201, 503]).toContain(status);
  }
  await recover();
  expect(new Set(await askMany())).toEqual(new Set([200, 201]));
  expect(await connections()).toBeLessThanOrEqual(10);
});

test.each(['the kill of one of its processes', 'its immediate shutdown'])(
  'what was acknowledged in the midst of writing survives %s',
  { timeout: 60_000 },
  async (end) => {
    for (let round = 0; round < 3; round += 1) {
      const acknowledged: string[] = [];
      const write = async (writer: number) => {
        for (let turn = 0; ; turn += 1) {
          const name = `${end} ${round}-${writer}-${turn}`;
          const { status } = await create(name);
          if (status === 503) return;
          expect(status).toBe(201);
          acknowledged.push(name);
        }
      };
      const writing = Promise.all([0, 1, 2, 3].map(write));
      while (acknowledged.length < 10 * (round + 1)) await sleep(5);
      if (end === 'its immediate shutdown') {
        await postgresql.stop('abruptly');
        await writing;
        await postgresql.start();
      } else {
        const { rows } = await administer("select pid from pg_stat_activity where datname = 'away' limit 1");
        process.kill(rows[0].pid, 'SIGKILL');
        await writing;
      }
      await recover();
      const filter = `startswith(displayName,'${end} ${round}-')`;
      const present = await controlPlane.request('GET', `${url}?$filter=${filter}&$top=1000`);
      const names = present.body.value.map(({ displayName }: { displayName: string }) => displayName);
      expect(acknowledged.filter((name) => !names.includes(name))).toEqual([]);
      const entries = await controlPlane.request(
        'GET',
        `/api/v1/auditEntries?$filter=startswith(objectName,'${end} ${round}-')&$top=1000`,
      );
      const written = entries.body.value.map(({ objectName }: { objectName: string }) => objectName);
      expect(written.sort()).toEqual(names.sort());
    }
  },
);

test('a control plane that starts before its database waits for it', { timeout: 60_000 }, async () => {
  await administer('create database early');
  const early = await ControlPlaneProcess.prepare(postgresql.url('early'));
  await postgresql.stop();
  const started = early.start();
  while (!early.output.includes('waiting up to 60 seconds')) await sleep(50);
  await postgresql.start();
  await started;
  expect(await early.end('SIGTERM')).toBe(0);
  await early.remove();
});

test('a database that does not exist ends the start at once, with a reason and what to do', {
  timeout: 60_000,
}, async () => {
  const wrong = await ControlPlaneProcess.prepare(postgresql.url('nonexistent'));
  await expect(wrong.start()).rejects.toThrow(
    /status 1.*database "nonexistent" does not exist.*"database" in the configuration file/s,
  );
});

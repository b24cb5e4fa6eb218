import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../database/open.ts';
import { runningReplicas } from '../periodic-work/presence.ts';
import { emptyDatabase } from '../testing/databases.ts';
import { configurationExample } from '../testing/graph.ts';
import { ControlPlaneProcess, main } from '../testing/process.ts';

const url = '/graph/beta/deviceManagement/microsoftTunnelConfigurations';

describe('two replicas on one database', () => {
  let place: Awaited<ReturnType<typeof emptyDatabase>>;
  let replicas: [ControlPlaneProcess, ControlPlaneProcess];

  beforeAll(async () => {
    place = await emptyDatabase('postgresql');
    const first = await ControlPlaneProcess.prepare(place.url);
    await first.useToken();
    const second = await ControlPlaneProcess.prepare(place.url, { sibling: first });
    replicas = [first, second];
    await first.start();
    await second.start();
  }, 60_000);
  afterAll(async () => {
    for (const replica of replicas) await replica.remove();
    await place.remove();
  });

  const ask = (isSecond: boolean) => replicas[isSecond ? 1 : 0];
  const created = async (displayName: string) =>
    (await replicas[0].request('POST', url, { ...configurationExample, displayName })).body;

  test('answer alike, whichever is asked', { timeout: 60_000 }, async () => {
    const step = fc.record({
      isSecond: fc.boolean(),
      verb: fc.constantFrom('create', 'change', 'delete', 'list'),
      index: fc.nat(5),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        run += 1;
        const model = new Map<string, string>();
        for (const [turn, { isSecond, verb, index }] of steps.entries()) {
          const id = [...model.keys()][index];
          const displayName = `run-${run}-${turn}`;
          if (verb === 'create') {
            const answer = await ask(isSecond).request('POST', url, { ...configurationExample, displayName });
            model.set(answer.body.id, displayName);
          } else if (verb === 'list') {
            const filter = `$filter=startswith(displayName,'run-${run}-')&$orderby=id`;
            const { body } = await ask(isSecond).request('GET', `${url}?${filter}`);
            const shown = body.value.map((one: { id: string; displayName: string }) => [
              one.id,
              one.displayName,
            ]);
            expect(shown).toEqual([...model].sort());
          } else if (id !== undefined && verb === 'change') {
            expect((await ask(isSecond).request('PATCH', `${url}/${id}`, { displayName })).status).toBe(200);
            model.set(id, displayName);
          } else if (id !== undefined) {
            expect((await ask(isSecond).request('DELETE', `${url}/${id}`)).status).toBe(204);
            model.delete(id);
            expect((await ask(!isSecond).request('GET', `${url}/${id}`)).status).toBe(404);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  test('pages begun at one go on at the other', async () => {
    for (let index = 0; index < 7; index += 1) await created(`page-${index}`);
    const seen: string[] = [];
    let next: string | undefined = `${url}?$filter=startswith(displayName,'page-')&$top=2`;
    for (let turn = 0; next !== undefined; turn += 1) {
      const { body } = await ask(turn % 2 === 1).request('GET', next);
      seen.push(...body.value.map(({ displayName }: { displayName: string }) => displayName));
      const link: string | undefined = body['@odata.nextLink'];
      next = link === undefined ? undefined : new URL(link).pathname + new URL(link).search;
    }
    expect(seen.sort()).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `page-${index}`));
  });

  test('a change of what was changed at the other gets 412', async () => {
    const seen = await created('conflict');
    const changed = await replicas[1].request('PATCH', `${url}/${seen.id}`, { description: 'second' });
    expect(changed.status).toBe(200);
    const ifMatch = { 'if-match': seen['@odata.etag'] };
    const refused = await replicas[0].request(
      'PATCH',
      `${url}/${seen.id}`,
      { description: 'first' },
      ifMatch,
    );
    expect(refused.status).toBe(412);
  });

  test('of changes of the same version at the same moment one is made', async () => {
    for (let round = 0; round < 10; round += 1) {
      const seen = await created(`race-${round}`);
      const ifMatch = { 'if-match': seen['@odata.etag'] };
      const answers = await Promise.all(
        [0, 1, 0, 1].map((index) =>
          ask(index === 1).request('PATCH', `${url}/${seen.id}`, { description: `${index}` }, ifMatch),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
    }
  });

  test('a token that was revoked at one is refused by the other at once', async () => {
    const body = { displayName: 'short', roleId: 'readOnlyOperator' };
    const made = await replicas[0].request('POST', '/api/v1/tokens', body);
    const headers = { authorization: `Bearer ${made.body.token}` };
    expect((await replicas[1].request('GET', url, undefined, headers)).status).toBe(200);
    await replicas[0].request('DELETE', `/api/v1/tokens/${made.body.id}`);
    expect((await replicas[1].request('GET', url, undefined, headers)).status).toBe(401);
  });

  test('each shows that it runs, until it ends', { timeout: 20_000 }, async () => {
    const database = openDatabase(place.url);
    expect(await runningReplicas(database)).toBe(2);
    expect(await replicas[1].end('SIGTERM')).toBe(0);
    expect(await runningReplicas(database)).toBe(1);
    await database.close();
  });
});

test.each(['sqlite', 'postgresql'] as const)(
  'processes that meet a new database at the same moment make it ready together (%s)',
  { timeout: 60_000 },
  async (engine) => {
    const place = await emptyDatabase(engine);
    const controlPlane = await ControlPlaneProcess.prepare(place.url);
    const parameters = [
      main,
      'token',
      '--config',
      controlPlane.configurationFile,
      '--name',
      'x',
      '--role',
      'administrator',
    ];
    const ends = [1, 2, 3, 4].map(async () => {
      const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
      const [[status], complaint] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
      return [status, complaint];
    });
    const good = [0, expect.stringContaining('It is shown only now')];
    expect(await Promise.all(ends)).toEqual([good, good, good, good]);
    const database = openDatabase(place.url);
    expect(await database.tables.selectFrom('api_tokens').select('id').execute()).toHaveLength(4);
    await database.close();
    await controlPlane.remove();
    await place.remove();
  },
);

import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { logPieceBytes } from '@culvert/contracts';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { registerRoutes } from '../routes.ts';
import { testAgentApplication } from '../testing/agents.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { configurationExample, GraphCaller, siteExample } from '../testing/graph.ts';
import { removeEndedLogCollections } from './expiry.ts';
import { serverQuotaBytes } from './quota.ts';
import { registerRecentLogUploads } from './recent-log-routes.ts';
import { removeOldRecentLogs } from './recent-logs.ts';
import { settleCollections } from './settle.ts';
import { registerLogUploads } from './upload-routes.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const minute = 60_000;
const day = 24 * 60 * minute;

describeOnEachEngine('the logs of a server', (database) => {
  let context: TestContext;
  let application: FastifyInstance;
  let agents: FastifyInstance;
  let caller: GraphCaller;
  let site: string;
  let server: string;

  beforeAll(async () => {
    context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    caller = new GraphCaller(application);
    const configuration = (await caller.post('microsoftTunnelConfigurations', configurationExample)).body.id;
    site = (await caller.post('microsoftTunnelSites', siteExample(configuration))).body.id;
    agents = await testAgentApplication(
      (into) => registerLogUploads(into, context),
      (into) => registerRecentLogUploads(into, context),
    );
  });
  beforeEach(async () => {
    server = (await caller.post(`microsoftTunnelSites/${site}/microsoftTunnelServers`, { displayName: 'gw' }))
      .body.id;
  });

  const ask = async () => {
    const span = { startDateTime: '2026-11-24T08:00:00Z', endDateTime: '2026-11-24T09:00:00Z' };
    const url = `microsoftTunnelSites/${site}/microsoftTunnelServers/${server}/createServerLogCollectionRequest`;
    const { body } = await caller.post(url, span);
    return body.value.id as string;
  };
  const progress = async (id: string) => (await caller.get(`/api/v1/logCollections/${id}`)).body;
  const send = async (
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    payload?: Buffer | object,
    by = server,
  ) => {
    const type = Buffer.isBuffer(payload) ? 'application/octet-stream' : 'application/json';
    const response = await agents.inject({
      method,
      url: `/agent/v1/log-collections/${path}`,
      headers: { 'x-server': by, ...(payload === undefined ? {} : { 'content-type': type }) },
      ...(payload === undefined ? {} : { payload }),
    });
    return { status: response.statusCode, body: response.json() };
  };
  const complete = (id: string, archive: Buffer) =>
    send('POST', `${id}/complete`, {
      outcome: 'completed',
      sizeInBytes: archive.length,
      sha256: sha256(archive),
    });
  const upload = async (id: string, archive: Buffer, pieceBytes = logPieceBytes) => {
    for (let at = 0; at < archive.length; at += pieceBytes)
      await send('PUT', `${id}/pieces/${at}`, archive.subarray(at, at + pieceBytes));
    return complete(id, archive);
  };
  const download = async (id: string) => {
    const { body } = await caller.post(`microsoftTunnelServerLogCollectionResponses/${id}/createDownloadUrl`);
    if (body.value === undefined) return body.error.message as string;
    const url = String(body.value).slice(context.configuration.publicUrl.length);
    return (await application.inject({ url })).rawPayload;
  };
  const commandsOf = async () => {
    const rows = await database()
      .tables.selectFrom('server_commands')
      .selectAll()
      .where('server_id', '=', server)
      .orderBy('id')
      .execute();
    return rows.map((row) => ({ ...row, order: JSON.parse(row.command_order) }));
  };

  test('that somebody has taken stand in the audit log', async () => {
    const id = await ask();
    await upload(id, randomBytes(100));
    await download(id);
    const { body } = await caller.get(
      `/api/v1/auditEntries?$filter=objectId eq '${id}' and action eq 'microsoftTunnelServerLogCollectionResponse.createDownloadUrl'`,
    );
    expect(body.value).toMatchObject([{ actorName: 'administrator', outcome: 'success' }]);
  });

  test('come in pieces that may come twice, out of order or in part, and go out as they were', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.nat(400), { maxLength: 20 }),
        async (size, pieceBytes, offsets) => {
          const id = await ask();
          const archive = randomBytes(size);
          let received = 0;
          for (const offset of [...offsets, ...Array.from({ length: size }, () => -1)]) {
            // -1 is what an agent does: it goes on from what it was told.
            const at = offset === -1 ? received : offset;
            if (at >= size) continue;
            const { status, body } = await send(
              'PUT',
              `${id}/pieces/${at}`,
              archive.subarray(at, at + pieceBytes),
            );
            expect(status).toBe(200);
            expect(body.receivedBytes).toBeGreaterThanOrEqual(received);
            received = body.receivedBytes;
          }
          expect(received).toBe(size);
          expect((await send('GET', id)).body).toEqual({ receivedBytes: size });
          expect((await complete(id, archive)).body).toEqual({ receivedBytes: size });
          // The answer may have been lost.
          expect(await complete(id, archive)).toMatchObject({ status: 200, body: { receivedBytes: size } });
          expect(await download(id)).toEqual(archive);
          await caller.delete(`microsoftTunnelServerLogCollectionResponses/${id}`);
        },
      ),
      { numRuns: 8 },
    );
  });

  test('of megabytes go out as they came, and their progress can be seen', async () => {
    const id = await ask();
    expect(await progress(id)).toMatchObject({
      status: 'pending',
      state: 'ordered',
      receivedBytes: 0,
      reason: null,
    });
    const archive = randomBytes(10 * logPieceBytes + 1);
    await send('PUT', `${id}/pieces/0`, archive.subarray(0, logPieceBytes));
    expect(await progress(id)).toMatchObject({
      status: 'pending',
      state: 'uploading',
      receivedBytes: logPieceBytes,
    });
    expect(await download(id)).toContain('has not sent its logs yet');
    await upload(id, archive);
    const end = { status: 'completed', sizeInBytes: archive.length };
    expect(await progress(id)).toMatchObject({ ...end, state: 'completed', sha256: sha256(archive) });
    const { body } = await caller.get(`microsoftTunnelServerLogCollectionResponses/${id}`);
    expect(body).toMatchObject(end);
    expect(Object.keys(body)).not.toContain('receivedBytes');
    expect(await download(id)).toEqual(archive);
  });

  test('that changed on the way are sent again', async () => {
    const id = await ask();
    const archive = randomBytes(1000);
    await send('PUT', `${id}/pieces/0`, randomBytes(1000));
    expect((await complete(id, archive)).body).toEqual({ receivedBytes: 0 });
    expect((await upload(id, archive)).body).toEqual({ receivedBytes: 1000 });
    expect(await download(id)).toEqual(archive);
  });

  test('are taken from their own server only, and only while somebody waits for them', async () => {
    const id = await ask();
    const archive = randomBytes(10);
    const gone = {
      status: 400,
      body: { error: { code: 'invalid', message: expect.stringContaining('nobody waits') } },
    };
    expect(await send('PUT', `${id}/pieces/0`, archive, 'another')).toMatchObject(gone);
    expect(await send('GET', id, undefined, 'another')).toMatchObject(gone);
    await upload(id, archive);
    expect(await send('PUT', `${id}/pieces/10`, archive)).toMatchObject(gone);
    expect(await send('PUT', `${id}/pieces/x`, archive)).toMatchObject({ status: 400 });
    await caller.delete(`microsoftTunnelServerLogCollectionResponses/${id}`);
    expect(await send('GET', id)).toMatchObject(gone);
    const { count } = await database()
      .tables.selectFrom('log_pieces')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('collection_id', '=', id)
      .executeTakeFirstOrThrow();
    expect(count).toBe(0);
  });

  test('that the server cannot send have failed, with its reason', async () => {
    const id = await ask();
    await send('PUT', `${id}/pieces/0`, randomBytes(10));
    await send('POST', `${id}/complete`, { outcome: 'failed', reason: 'the disk of the server is full' });
    expect(await progress(id)).toMatchObject({
      status: 'failed',
      state: 'failed',
      reason: 'the disk of the server is full',
      receivedBytes: 0,
    });
    expect(await download(id)).toContain('(the disk of the server is full): ask again');
  });

  test('beyond the quota of a server are refused with the remedy, in an upload and when they are asked for', async () => {
    const full = await ask();
    const id = await ask();
    await database()
      .tables.updateTable('server_log_collections')
      .set({ received_bytes: serverQuotaBytes })
      .where('id', '=', full)
      .execute();
    const refused = await send('PUT', `${id}/pieces/0`, randomBytes(10));
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('256 MiB') } },
    });
    expect(await progress(id)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('delete some'),
    });
    const { status, body } = await caller.post(`/api/v1/servers/${server}/sendVerboseLogs`, {});
    expect([status, body.error.message]).toEqual([507, expect.stringContaining('256 MiB')]);
  });

  test('verbose for a time: its end orders an archive of before and then, by itself', async () => {
    const { status, body } = await caller.post(`/api/v1/servers/${server}/sendVerboseLogs`, { minutes: 30 });
    expect([status, body.state, body.status, body.includeAccessLog]).toEqual([
      202,
      'verbose',
      'pending',
      false,
    ]);
    const again = await caller.post(`/api/v1/servers/${server}/sendVerboseLogs`, {});
    expect([again.status, again.body.error.message]).toEqual([
      409,
      expect.stringContaining('stopVerboseLogs'),
    ]);
    await settleCollections(context);
    expect(await commandsOf()).toEqual([]);
    context.pass(30 * minute);
    await settleCollections(context);
    await settleCollections(context);
    const [command, ...others] = await commandsOf();
    expect(others).toEqual([]);
    expect(command?.order).toEqual({
      kind: 'collectLogs',
      collection: body.id,
      start: body.startDateTime,
      end: body.verboseUntil,
    });
    expect(Date.parse(body.verboseUntil) - Date.parse(body.startDateTime)).toBe(day + 30 * minute);
    await upload(body.id, randomBytes(100));
    expect(await progress(body.id)).toMatchObject({ state: 'completed' });
  });

  test('are made verbose once and ordered once, however many ask at the same moment', async () => {
    const askFive = async (action: string) => {
      const five = Array.from({ length: 5 }, () => caller.post(`/api/v1/servers/${server}/${action}`, {}));
      return (await Promise.all(five)).map(({ status }) => status).sort();
    };
    const before = (await commandsOf()).length;
    expect(await askFive('sendVerboseLogs')).toEqual([202, 409, 409, 409, 409]);
    expect(await askFive('stopVerboseLogs')).toEqual([202, 409, 409, 409, 409]);
    expect(await commandsOf()).toHaveLength(before + 1);
  });

  test('verbose and stopped early: ordered at once, up to that moment', async () => {
    const nothing = await caller.post(`/api/v1/servers/${server}/stopVerboseLogs`);
    expect(nothing.status).toBe(409);
    const begun = await caller.post(`/api/v1/servers/${server}/sendVerboseLogs`, { includeAccessLog: true });
    context.pass(5 * minute);
    const { status, body } = await caller.post(`/api/v1/servers/${server}/stopVerboseLogs`);
    expect([status, body.id, body.state]).toEqual([202, begun.body.id, 'ordered']);
    const [command] = await commandsOf();
    expect(command?.order).toMatchObject({ end: body.endDateTime, includeAccessLog: true });
    expect(await progress(body.id)).toMatchObject({ endDateTime: body.endDateTime, state: 'ordered' });
  });

  test.each([{ minutes: 0 }, { minutes: 481 }, { minutes: 1.5 }, { minute: 5 }, { includeAccessLog: 'yes' }])(
    'verbose with %j is refused',
    async (body) => {
      expect((await caller.post(`/api/v1/servers/${server}/sendVerboseLogs`, body)).status).toBe(400);
    },
  );

  test('of a server that never answers have failed after a day, and say so', async () => {
    const id = await ask();
    context.pass(day - minute);
    await settleCollections(context);
    expect(await progress(id)).toMatchObject({ state: 'ordered' });
    context.pass(2 * minute);
    await settleCollections(context);
    expect(await progress(id)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('did not answer'),
    });
  });

  test('of a server that is deleted go with it', async () => {
    const id = await ask();
    await send('PUT', `${id}/pieces/0`, randomBytes(10));
    await caller.delete(`microsoftTunnelSites/${site}/microsoftTunnelServers/${server}`);
    expect((await caller.get(`/api/v1/logCollections/${id}`)).status).toBe(404);
    const left = await database()
      .tables.selectFrom('log_pieces')
      .select('position')
      .where('collection_id', '=', id)
      .execute();
    expect(left).toEqual([]);
  });

  test('are removed when their time is over', async () => {
    const id = await ask();
    await upload(id, randomBytes(10));
    const address = await caller.post(`microsoftTunnelServerLogCollectionResponses/${id}/createDownloadUrl`);
    expect(address.status).toBe(200);
    context.pass(31 * day);
    await removeEndedLogCollections(context);
    expect((await caller.get(`/api/v1/logCollections/${id}`)).status).toBe(404);
  });

  test('that came back from a backup without their archive say what to do', async () => {
    const id = await ask();
    await upload(id, randomBytes(10));
    await database().tables.deleteFrom('log_pieces').where('collection_id', '=', id).execute();
    expect(String(await download(id))).toContain('not there any more: ask the server again');
  });

  test('of warnings come by themselves each hour, and are kept for a week', async () => {
    const put = async (payload: Buffer) => {
      const headers = { 'x-server': server, 'content-type': 'application/gzip' };
      return (await agents.inject({ method: 'PUT', url: '/agent/v1/recent-logs', headers, payload }))
        .statusCode;
    };
    const url = `/api/v1/servers/${server}/recentLogs`;
    expect(await put(gzipSync('{"msg":"a"}\n{"msg":"b"}\n'))).toBe(204);
    expect(await put(gzipSync(''))).toBe(204);
    expect(await put(Buffer.from('no gzip'))).toBe(400);
    expect(await put(gzipSync(Buffer.alloc(20 << 20)))).toBe(400);
    expect(await put(randomBytes(300 * 1024))).toBe(400);
    const { body } = await caller.get(url);
    expect(body.value).toEqual([
      {
        id: expect.any(String),
        receivedDateTime: expect.any(String),
        sizeInBytes: expect.any(Number),
        lines: 2,
      },
    ]);
    const headers = { authorization: 'Bearer administrator' };
    const content = await application.inject({ url: `${url}/${body.value[0].id}/content`, headers });
    expect(content.body).toBe('{"msg":"a"}\n{"msg":"b"}\n');
    expect((await application.inject({ url: `${url}/x/content`, headers })).statusCode).toBe(404);
    context.pass(8 * day);
    expect(await removeOldRecentLogs(context)).toBe(false);
    expect((await caller.get(url)).body.value).toEqual([]);
  });
});

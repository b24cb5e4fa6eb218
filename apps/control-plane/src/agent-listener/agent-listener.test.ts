import { randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import {
  certificatePem,
  issueCertificate,
  makeAuthority,
  newKeys,
  privateKeyPem,
} from '@culvert/certificates/issue.ts';
import { agentRefusalSchema } from '@culvert/contracts';
import fc from 'fast-check';
import Fastify from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentAuthority } from '../agent-authority/authority.ts';
import { issueListenerIdentity } from '../agent-authority/listener-identity.ts';
import { registerAgentRoutes } from '../agent-routes.ts';
import { type ListenerOfTests, startListenerOfTests } from '../testing/agent-listener.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { checkInExample, TestAgent } from '../testing/test-agent.ts';
import { createAgentApplication } from './application.ts';
import { limitStrangers } from './strangers.ts';

const day = 86_400_000;

describeOnEachEngine('the listener of agents', (database) => {
  let tests: ListenerOfTests;
  beforeAll(async () => {
    tests = await startListenerOfTests(database());
  });
  afterAll(() => tests.stop());

  const refusal = async (agent: TestAgent) => {
    const { status, body } = await agent.checkIn();
    const { error } = agentRefusalSchema.parse(body);
    return [status, error.code, error.message];
  };

  test('without a certificate there is nothing but joining', async () => {
    const stranger = new TestAgent(tests.place);
    expect(await refusal(stranger)).toEqual([401, 'unknownCertificate', expect.stringContaining('joins')]);
    stranger.close();
  });

  test('a certificate of another authority is refused, and its issuer is named', async () => {
    const { publicKey, privateKey } = await newKeys();
    const other = await makeAuthority('Somebody else', 10, new Date());
    const wish = { commonName: 'x', publicKey, alternativeNames: ['x'], purpose: 'client', days: 5 } as const;
    const certificate = await issueCertificate(other, wish, new Date());
    const foreign = new TestAgent(tests.place, {
      cert: certificatePem(certificate),
      key: privateKeyPem(privateKey),
    });
    expect(await refusal(foreign)).toEqual([
      401,
      'unknownCertificate',
      expect.stringMatching(/another authority \(CN=Somebody else .*agent join/),
    ]);
    foreign.close();
  });

  test('a certificate that has expired is refused, with when that was and what to do', async () => {
    const agent = await tests.agent();
    tests.context.pass(91 * day);
    try {
      expect(await refusal(agent)).toEqual([
        401,
        'certificateExpired',
        expect.stringMatching(/expired at .*Z \(the clock here says .*make a join token for this server/),
      ]);
    } finally {
      tests.context.pass(-91 * day);
    }
    expect((await agent.checkIn()).status).toBe(200);
  });

  test('a revoked certificate is refused at once, on a connection that was open before', async () => {
    const agent = await tests.agent();
    expect((await agent.checkIn()).status).toBe(200);
    const answer = await tests.graph.post(`/api/v1/servers/${agent.serverId}/revokeCertificates`);
    expect([answer.status, answer.body]).toEqual([200, { revoked: 1 }]);
    expect(await refusal(agent)).toEqual([
      401,
      'certificateRevoked',
      expect.stringContaining('make a join token for this server'),
    ]);
  });

  test('a deleted server is refused at once and told so', async () => {
    const agent = await tests.agent();
    await agent.checkIn();
    const server = `microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers/${agent.serverId}`;
    expect((await tests.graph.delete(server)).status).toBe(204);
    expect(await refusal(agent)).toEqual([401, 'serverDeleted', expect.stringContaining('was deleted')]);
  });

  test('its certificate is replaced when it is due, and connections go on', async () => {
    const other = await startListenerOfTests(database());
    const agent = await other.agent();
    expect((await agent.checkIn()).status).toBe(200);
    const shown = async () => {
      // What is shown is from the time to which the clock was moved, so times are not looked at.
      const socket = connect({ host: '127.0.0.1', port: other.place.port, rejectUnauthorized: false });
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await shown();
    await other.listener.renewIdentity();
    expect(await shown()).toBe(before);
    other.context.pass(61 * day);
    await other.listener.renewIdentity();
    expect(await shown()).not.toBe(before);
    expect((await agent.checkIn()).status).toBe(200);
    await other.stop();
  });

  test.each([
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const],
    ['an authority that we do not have', { ca: [] as string[] }],
  ])('%s: no connection', async (_name, options) => {
    const { port, authority, host: servername } = tests.place;
    const socket = connect({ host: '127.0.0.1', port, ca: authority, servername, ...options });
    await expect(
      new Promise((resolve, reject) => {
        socket.once('secureConnect', resolve);
        socket.once('error', reject);
      }),
    ).rejects.toThrow();
  });

  test('what is no HTTP is refused with a refusal, and the connection ends', async () => {
    const { port, authority: ca, host: servername } = tests.place;
    const socket = connect({ host: '127.0.0.1', port, ca, servername });
    socket.write('what is this?\r\n\r\n');
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(agentRefusalSchema.parse(JSON.parse(body)).error.code).toBe('invalid');
  });

  test('bytes that are no TLS end their own connection only', async () => {
    const agent = await tests.agent();
    const socket = connectTcp({ host: '127.0.0.1', port: tests.place.port });
    socket.on('error', () => {});
    socket.end(randomBytes(2_000));
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await agent.checkIn()).status).toBe(200);
  });

  test('a body that is too large is refused', async () => {
    const agent = await tests.agent();
    const { status, body } = await agent.send('POST', '/agent/v1/check-in', {
      hostName: 'x'.repeat(600_000),
    });
    expect([status, agentRefusalSchema.parse(body).error.code]).toEqual([400, 'invalid']);
  });

  test('every mistake of a check-in is told with its field', async () => {
    const agent = await tests.agent();
    const { body } = await agent.send('POST', '/agent/v1/check-in', {
      ...checkInExample(),
      sessions: { connected: -1, away: 0, capacity: 1 },
      colour: 'blue',
    });
    expect(body.error.message).toContain('sessions.connected');
    expect(body.error.message).toContain('colour');
  });

  test('any body of an agent: taken, or refused with a refusal', { timeout: 60_000 }, async () => {
    const agent = await tests.agent();
    const paths = fc.constantFrom('check-in', 'wait', 'renew', 'enrol', 'nothing', '%zz', 'a%00b');
    const example = checkInExample() as unknown as Record<string, unknown>;
    const document = fc.oneof(
      fc.jsonValue(),
      fc.record({ cursor: fc.jsonValue() }),
      fc
        .tuple(fc.constantFrom(...Object.keys(example)), fc.jsonValue())
        .map(([name, value]) => ({ ...example, [name]: value })),
    );
    await fc.assert(
      fc.asyncProperty(paths, document, async (path, body) => {
        // A cursor that is nobody's is answered at the next look, not at once.
        fc.pre(!(path === 'wait' && typeof (body as { cursor?: unknown } | null)?.cursor === 'string'));
        const answer = await agent.send('POST', `/agent/v1/${path}`, body);
        expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
        if (answer.status !== 200) agentRefusalSchema.parse(answer.body);
      }),
      { numRuns: 120 },
    );
    expect((await agent.checkIn()).status).toBe(200);
  });

  test('any bytes of a stranger: refused with a refusal, and nothing was made', {
    timeout: 60_000,
  }, async () => {
    const authority = await agentAuthority(tests.context);
    const identity = await issueListenerIdentity(authority, 'https://localhost:8444', tests.context.now());
    const application = await createAgentApplication({ ...tests.context, authority }, identity);
    await registerAgentRoutes(application as never, { ...tests.context, authority } as never);
    const servers = () => database().tables.selectFrom('servers').select('id').execute();
    const before = await servers();
    const good = { certificateRequest: 'x', hostName: 'x', deploymentMode: 'standaloneRootful' };
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)),
      fc.json().map((some) => Buffer.from(some)),
      fc
        .tuple(
          fc.constantFrom('joinToken', 'siteId', 'serverId', 'certificateRequest', 'hostName'),
          fc.oneof(fc.string(), fc.jsonValue()),
        )
        .map(([name, value]) => Buffer.from(JSON.stringify({ ...good, [name]: value }))),
    );
    const headers = fc.record(
      { authorization: fc.constantFrom('Bearer nobody', 'Bearer ', 'Basic eA==', 'x'.repeat(5_000)) },
      { requiredKeys: [] },
    );
    let count = 0;
    await fc.assert(
      fc.asyncProperty(body, headers, async (payload, more) => {
        count += 1;
        const { statusCode, body: answered } = await application.inject({
          method: 'POST',
          url: '/agent/v1/enrol',
          payload,
          headers: { 'content-type': 'application/json', ...more },
          // The limit of one address is another test.
          remoteAddress: `10.0.${count >> 8}.${count & 255}`,
        });
        expect(statusCode, answered).toBeLessThan(500);
        expect(statusCode, answered).toBeGreaterThanOrEqual(400);
        agentRefusalSchema.parse(JSON.parse(answered));
      }),
      { numRuns: 300 },
    );
    expect(await servers()).toEqual(before);
    await application.close();
  });

  test('one address joins at most sixty times a minute, and another one still may', async () => {
    const authority = await agentAuthority(tests.context);
    const identity = await issueListenerIdentity(authority, 'https://localhost:8444', tests.context.now());
    const application = await createAgentApplication({ ...tests.context, authority }, identity);
    await registerAgentRoutes(application as never, { ...tests.context, authority } as never);
    const ask = (remoteAddress: string) =>
      application.inject({ method: 'POST', url: '/agent/v1/enrol', payload: {}, remoteAddress });
    for (let number = 0; number < 60; number += 1) expect((await ask('2001:db8::1')).statusCode).toBe(400);
    // A subscriber has the whole network.
    const further = await ask('2001:db8::2');
    expect([further.statusCode, further.json().error.code]).toEqual([429, 'tooManyRequests']);
    expect(Number(further.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('2001:db8:1::1')).statusCode).toBe(400);
    await application.close();
  });
});

test('strangers have a bounded number of connections, and those that end make room', async () => {
  const authority = await makeAuthority('Agents', 10, new Date());
  const pem = certificatePem(authority.certificate);
  const identity = await issueListenerIdentity(
    { ...authority, pem, fingerprint: '' },
    'https://localhost:1',
    new Date(),
  );
  const application = Fastify({
    https: { ...identity, requestCert: true, rejectUnauthorized: false },
    forceCloseConnections: true,
  });
  application.get('/', async () => 'here');
  limitStrangers(application.server as never, { pem }, 2);
  await application.listen({ host: '127.0.0.1', port: 0 });
  const { port } = application.server.address() as { port: number };
  const open = async () => {
    const socket = connect({ host: '127.0.0.1', port, ca: pem, servername: 'localhost' });
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const isAnswered = await new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    return { socket, isAnswered };
  };
  const close = async (socket: TLSSocket) => {
    socket.destroy();
    await new Promise<void>((resolve) => {
      const look = () =>
        application.server.getConnections((_error, count) => (count <= 1 ? resolve() : setImmediate(look)));
      look();
    });
  };
  const [first, second] = [await open(), await open()];
  expect([first.isAnswered, second.isAnswered]).toEqual([true, true]);
  expect((await open()).isAnswered).toBe(false);
  await close(first.socket);
  const later = await open();
  expect(later.isAnswered).toBe(true);
  for (const { socket } of [second, later]) socket.destroy();
  await application.close();
});

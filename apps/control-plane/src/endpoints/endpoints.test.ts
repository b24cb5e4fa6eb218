import {
  certificatePem,
  issueCertificate,
  makeAuthority,
  newKeys,
  privateKeyPem,
} from '@culvert/certificates/issue.ts';
import { agentConnectionSchema, endpointsSchema } from '@culvert/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ListenerOfTests, startListenerOfTests } from '../testing/agent-listener.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { TestAgent } from '../testing/test-agent.ts';

describeOnEachEngine('what servers connect to', (database) => {
  let tests: ListenerOfTests;
  beforeAll(async () => {
    tests = await startListenerOfTests(database());
    const { application, context } = tests;
    // The listener of tests has a port that the system chooses.
    Object.assign(context.configuration.agents, { url: 'https://agents.control.test:8444' });
    const ask = async (method: 'POST' | 'PATCH', url: string, payload: object) => {
      const headers = { authorization: 'Bearer administrator' };
      const { statusCode, body } = await application.inject({ method, url, headers, payload });
      if (statusCode >= 300) throw new Error(body);
    };
    await ask('PATCH', '/api/v1/settings', { imageRegistryUrl: 'https://registry.example.com:5000/culvert' });
    await ask('POST', '/api/v1/notificationChannels', {
      displayName: 'hook',
      kind: 'webhook',
      url: 'https://hooks.example.com/secret/path',
      secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    });
    await context.database.tables
      .insertInto('identity_providers')
      .values({
        id: '1',
        version: 1,
        display_name: 'Example',
        issuer: 'https://login.example.com/tenant',
        client_id: 'c',
        client_secret: null,
        has_client_secret: 0,
        scopes: '[]',
        user_name_claim: 'name',
        groups_claim: 'groups',
        allowed_groups: '[]',
        is_enabled: 1,
      })
      .execute();
  });
  afterAll(() => tests.stop());

  const listed = async (headers: Record<string, string> = {}) => {
    const { body } = await tests.application.inject({ url: '/api/v1/endpoints', headers });
    const { value } = endpointsSchema.parse(JSON.parse(body));
    return value.map(({ kind, host, port, isTls }) => `${kind} ${host}:${port} ${isTls}`);
  };
  const known = [
    'controlPlane control.test:8443 true',
    'agentListener agents.control.test:8444 true',
    'identityProvider login.example.com:443 true',
    'imageRegistry registry.example.com:5000 true',
  ];

  test('is told to strangers: hosts and ports, no paths and no webhooks', async () => {
    expect(await listed()).toEqual(known);
    expect(await listed({ authorization: 'Bearer nonsense' })).toEqual(known);
  });

  test('and webhooks to those who may read', async () => {
    expect(await listed({ authorization: 'Bearer administrator' })).toEqual([
      ...known,
      'webhook hooks.example.com:443 true',
    ]);
  });

  const connection = async (agent: TestAgent) => {
    const { body } = await agent.send('GET', '/agent/v1/connection');
    return agentConnectionSchema.parse(body);
  };

  test('the listener says what it has seen of a certificate, and changes nothing by it', async () => {
    const stranger = new TestAgent(tests.place);
    expect(await connection(stranger)).toEqual({ certificate: 'none', fingerprint: null, reason: null });
    stranger.close();
    const other = await makeAuthority('Somebody else', 1, new Date());
    const { publicKey, privateKey } = await newKeys();
    const wish = { commonName: 'x', publicKey, alternativeNames: ['x'], purpose: 'client', days: 1 } as const;
    const cert = certificatePem(await issueCertificate(other, wish, new Date()));
    const foreign = new TestAgent(tests.place, { cert, key: privateKeyPem(privateKey) });
    expect(await connection(foreign)).toMatchObject({
      certificate: 'foreign',
      fingerprint: expect.any(String),
    });
    foreign.close();
    const agent = await tests.agent();
    expect(await connection(agent)).toMatchObject({ certificate: 'inForce', reason: null });
    const row = await tests.context.database.tables
      .selectFrom('agent_certificates')
      .select('first_used_at')
      .where('server_id', '=', agent.serverId)
      .executeTakeFirstOrThrow();
    expect(row.first_used_at).toBeNull();
    await tests.graph.delete(`microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers/${agent.serverId}`);
    expect(await connection(agent)).toMatchObject({ certificate: 'refused', reason: expect.any(String) });
  });
});

import { X509Certificate } from 'node:crypto';
import { parseJoinToken } from '@culvert/contracts';
import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentAuthority, fingerprintOf } from '../agent-authority/authority.ts';
import { requireAgent } from '../agent-listener/agent.ts';
import { type ListenerOfTests, startListenerOfTests } from '../testing/agent-listener.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { makeScopeTags, siteExample } from '../testing/graph.ts';
import { makeCertificateRequest, TestAgent, type WayIn } from '../testing/test-agent.ts';
import { renew } from './renew.ts';

describeOnEachEngine('enrolment', (database) => {
  let tests: ListenerOfTests;
  beforeAll(async () => {
    tests = await startListenerOfTests(database());
    await makeScopeTags(database(), '7', '8');
  });
  afterAll(() => tests.stop());

  /** The secret of a join token. */
  const joinToken = async (body: object = { siteId: tests.siteId }) => {
    const made = await tests.graph.post('/api/v1/joinTokens', body);
    expect([made.status, made.body]).toEqual([201, expect.anything()]);
    return parseJoinToken(made.body.joinToken)?.secret ?? '';
  };
  const tryToJoin = async (way: WayIn) => {
    const stranger = new TestAgent(tests.place);
    const { status, body } = await stranger.join(way);
    stranger.close();
    return [status, body.error?.code, body.error?.message];
  };
  const entriesAbout = (id: string) =>
    tests.graph.get(`/api/v1/auditEntries?$filter=objectId eq '${id}'&$orderby=id`);

  test('with an administrator’s token a server joins a site, and its certificate names it', async () => {
    const agent = await tests.agent({ bearer: 'administrator', siteId: tests.siteId, hostName: 'gw-tokyo' });
    expect(agent.enrolment).toMatchObject({ siteId: tests.siteId, displayName: 'gw-tokyo' });
    const certificate = new X509Certificate(agent.certificate.cert);
    expect(certificate.subject).toBe(`CN=${agent.serverId}`);
    expect(certificate.subjectAltName).toBe(`URI:urn:uuid:${agent.serverId}`);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.ca).toBe(false);
    const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000;
    expect(days).toBe(90);
    expect(new X509Certificate(tests.place.authority).checkIssued(certificate)).toBe(false);
    expect(certificate.checkIssued(new X509Certificate(tests.place.authority))).toBe(true);
    const server = await tests.graph.get(
      `microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers/${agent.serverId}`,
    );
    expect(server.body).toMatchObject({ displayName: 'gw-tokyo', deploymentMode: 'standaloneRootful' });
    expect((await entriesAbout(agent.serverId)).body.value).toMatchObject([
      { action: 'microsoftTunnelServer.enrol', actorKind: 'user', actorName: 'administrator' },
    ]);
  });

  test('a join token lets one server in, even when many come at once', async () => {
    const secret = await joinToken();
    const agents = Array.from({ length: 5 }, () => new TestAgent(tests.place));
    const answers = await Promise.all(agents.map((agent) => agent.join({ joinToken: secret })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403, 403, 403, 403]);
    const refused = answers.filter(({ status }) => status === 403);
    expect(new Set(refused.map(({ body }) => body.error.code))).toEqual(new Set(['joinTokenUsed']));
    const winner = agents.find(({ enrolment }) => enrolment !== undefined);
    const listed = await tests.graph.get(
      `/api/v1/joinTokens?$filter=usedByServerId eq '${winner?.serverId}'`,
    );
    expect(listed.body.value).toMatchObject([
      { usedDateTime: expect.any(String), createdBy: 'administrator' },
    ]);
    expect((await entriesAbout(winner?.serverId ?? '')).body.value).toMatchObject([
      {
        action: 'microsoftTunnelServer.enrol',
        actorKind: 'agent',
        detail: expect.stringContaining(`${listed.body.value[0].id} that administrator has made`),
      },
    ]);
    for (const agent of agents) agent.close();
  });

  test.each([
    ['that nobody has made', async () => 'x'.repeat(43), 'joinTokenUnknown'],
    [
      'that was taken back',
      async () => {
        const { body } = await tests.graph.post('/api/v1/joinTokens', { siteId: tests.siteId });
        await tests.graph.delete(`/api/v1/joinTokens/${body.id}`);
        return parseJoinToken(body.joinToken)?.secret ?? '';
      },
      'joinTokenUnknown',
    ],
    [
      'that has ended',
      async () => {
        const secret = await joinToken({ siteId: tests.siteId, expiresIn: '1m' });
        tests.context.pass(61_000);
        return secret;
      },
      'joinTokenExpired',
    ],
  ])('a join token %s is refused, with what to do', async (_name, make, code) => {
    const seen = await tryToJoin({ joinToken: await make() });
    expect(seen).toEqual([403, code, expect.stringContaining('make another one in the admin centre')]);
  });

  test('a server joins again under its old record, and its earlier certificates are refused', async () => {
    const agent = await tests.agent();
    await agent.checkIn();
    const old = new TestAgent(tests.place, agent.certificate);
    const secret = await joinToken({ serverId: agent.serverId });
    const again = await tests.agent({ joinToken: secret, hostName: 'renamed' });
    expect(again.serverId).toBe(agent.serverId);
    // The name that an administrator may have given it stays.
    expect(again.enrolment?.displayName).toBe('gateway-1');
    expect((await old.checkIn()).body.error.code).toBe('certificateRevoked');
    expect((await again.checkIn()).status).toBe(200);
    old.close();
    const actions = (await entriesAbout(agent.serverId)).body.value.map(
      ({ action }: { action: string }) => action,
    );
    expect(actions).toEqual(['microsoftTunnelServer.enrol', 'microsoftTunnelServer.enrolAgain']);
  });

  test('an administrator lets a revoked server in again, and a deleted one not', async () => {
    const agent = await tests.agent();
    await tests.graph.post(`/api/v1/servers/${agent.serverId}/revokeCertificates`);
    const again = await tests.agent({ bearer: 'administrator', serverId: agent.serverId });
    expect((await again.checkIn()).status).toBe(200);
    await tests.graph.delete(`microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers/${agent.serverId}`);
    expect(await tryToJoin({ bearer: 'administrator', serverId: agent.serverId })).toEqual([
      403,
      'notAllowed',
      `there is no server ${agent.serverId}`,
    ]);
  });

  test('the token of an account needs the permission to create, over this site', async () => {
    tests.context.letInWith('reader', 'Microsoft.Intune_MicrosoftTunnelGateway_Read');
    const permissions = new Set(['Microsoft.Intune_MicrosoftTunnelGateway_Create'] as const);
    tests.context.letIn('elsewhere', { permissions, scopeTagIds: new Set(['8']) });
    tests.context.letIn('here', { permissions, scopeTagIds: new Set(['7']) });
    const { siteId } = tests;
    expect(await tryToJoin({ siteId })).toEqual([403, 'notAllowed', expect.stringContaining('join token')]);
    expect(await tryToJoin({ bearer: 'nobody', siteId })).toEqual([403, 'notAllowed', expect.anything()]);
    expect(await tryToJoin({ bearer: 'reader', siteId })).toEqual([
      403,
      'notAllowed',
      expect.stringContaining('MicrosoftTunnelGateway_Create'),
    ]);
    const site = await tests.graph.post('microsoftTunnelSites', {
      ...siteExample(tests.configurationId),
      roleScopeTagIds: ['7'],
    });
    expect(await tryToJoin({ bearer: 'elsewhere', siteId: site.body.id })).toEqual([
      403,
      'notAllowed',
      `there is no site ${site.body.id}`,
    ]);
    const agent = await tests.agent({ bearer: 'here', siteId: site.body.id });
    expect(await tryToJoin({ bearer: 'elsewhere', serverId: agent.serverId })).toEqual([
      403,
      'notAllowed',
      `there is no server ${agent.serverId}`,
    ]);
    expect(await tryToJoin({ bearer: 'here' })).toEqual([400, 'invalid', expect.stringContaining('siteId')]);
  });

  test('a join token is not stretched to another site or server', async () => {
    const agent = await tests.agent();
    const forSite = await joinToken();
    expect(await tryToJoin({ joinToken: forSite, serverId: agent.serverId })).toEqual([
      400,
      'invalid',
      expect.stringContaining('serverId: the join token is for a server that is not known yet'),
    ]);
    expect((await tryToJoin({ joinToken: forSite, siteId: 'other' }))[1]).toBe('invalid');
    expect((await tryToJoin({ joinToken: forSite, siteId: tests.siteId }))[0]).toBe(201);
  });

  test('a mistake in the request for a certificate does not use the join token up', async () => {
    const secret = await joinToken();
    const stranger = new TestAgent(tests.place);
    const body = {
      certificateRequest: 'none',
      hostName: 'x',
      deploymentMode: 'standaloneRootful',
      joinToken: secret,
    };
    const refused = await stranger.send('POST', '/agent/v1/enrol', body);
    expect([refused.status, refused.body.error.message]).toEqual([
      400,
      expect.stringContaining('certificateRequest: expected a PKCS#10'),
    ]);
    expect((await stranger.join({ joinToken: secret })).status).toBe(201);
    stranger.close();
  });

  test.each([
    ['revoked', 'certificateRevoked'],
    ['deleted', 'serverDeleted'],
  ])('an agent that was %s while it asked for another certificate gets none', async (how, code) => {
    const agent = await tests.agent();
    await agent.checkIn();
    const context = { ...tests.context, authority: await agentAuthority(tests.context) };
    const fingerprint = fingerprintOf(new X509Certificate(agent.certificate.cert).raw);
    const { serverId } = agent;
    // As the listener has judged it before the body of the request was there.
    const seen = await requireAgent(
      database().tables,
      { kind: 'ours', fingerprint, serverId },
      tests.context.now(),
    );
    if (how === 'revoked') await tests.graph.post(`/api/v1/servers/${serverId}/revokeCertificates`);
    else await tests.graph.delete(`microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers/${serverId}`);
    const { certificateRequest } = await makeCertificateRequest();
    const request = { ip: '192.0.2.1', id: 'r' } as FastifyRequest;
    await expect(renew(context, seen, certificateRequest, request)).rejects.toMatchObject({ code });
    const left = await database()
      .tables.selectFrom('agent_certificates')
      .select('fingerprint')
      .where('server_id', '=', serverId)
      .where('revoked_at', 'is', null)
      .execute();
    expect(left).toEqual([]);
  });

  test('an agent that asks for certificates again and again is told to wait, and others are not', async () => {
    const [agent, other] = [await tests.agent(), await tests.agent()];
    await agent.checkIn();
    const statuses: number[] = [];
    for (let count = 0; count < 21; count += 1) statuses.push((await agent.renew()).answer.status);
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 200), 429]);
    const { answer } = await agent.renew();
    expect(answer.body.error.code).toBe('tooManyRequests');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(60);
    expect((await agent.checkIn()).status).toBe(200);
    expect((await other.renew()).answer.status).toBe(200);
  });

  test('a certificate that the database has lost is no sign that the server was deleted', async () => {
    const agent = await tests.agent();
    await database()
      .tables.deleteFrom('agent_certificates')
      .where('server_id', '=', agent.serverId)
      .execute();
    const { body } = await agent.checkIn();
    expect(body.error).toEqual({
      code: 'unknownCertificate',
      message: expect.stringContaining('make a join token for this server'),
    });
  });

  test('a renewed certificate ends the old one when it is used, and not before', async () => {
    const agent = await tests.agent();
    await agent.checkIn();
    const old = new TestAgent(tests.place, agent.certificate);
    const lost = await agent.renew();
    const { answer, certificate } = await agent.renew();
    expect([lost.answer.status, answer.status]).toEqual([200, 200]);
    expect((await old.checkIn()).status).toBe(200);
    agent.use(certificate);
    expect((await agent.checkIn()).status).toBe(200);
    expect((await old.checkIn()).body.error.code).toBe('certificateRevoked');
    // The one whose answer got lost was never good for anything after the next one.
    const unused = new TestAgent(tests.place, lost.certificate);
    expect((await unused.checkIn()).status).toBe(401);
    for (const one of [old, unused]) one.close();
    const actions = (await entriesAbout(agent.serverId)).body.value;
    expect(
      actions.filter(({ action }: { action: string }) => action === 'agentCertificate.renew'),
    ).toHaveLength(2);
  });

  test('a server that is uninstalled takes its record away, and its certificate is of no use afterwards', async () => {
    const agent = await tests.agent();
    const other = await tests.agent();
    expect((await agent.send('DELETE', '/agent/v1/membership')).status).toBe(204);
    const path = `microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers`;
    expect((await tests.graph.get(`${path}/${agent.serverId}`)).status).toBe(404);
    expect((await tests.graph.get(`${path}/${other.serverId}`)).status).toBe(200);
    expect((await entriesAbout(agent.serverId)).body.value).toMatchObject([
      { action: 'microsoftTunnelServer.enrol' },
      {
        action: 'microsoftTunnelServer.leave',
        actorKind: 'agent',
        actorId: agent.serverId,
        outcome: 'success',
        detail: 'the server was uninstalled',
      },
    ]);
    const again = await agent.send('DELETE', '/agent/v1/membership');
    expect([again.status, again.body.error.code]).toEqual([401, 'serverDeleted']);
  });

  test('nobody takes a record away without the certificate of its server, or with one that was revoked', async () => {
    const agent = await tests.agent();
    const stranger = new TestAgent(tests.place);
    const refused = await stranger.send('DELETE', '/agent/v1/membership');
    expect([refused.status, refused.body.error.code]).toEqual([401, 'unknownCertificate']);
    stranger.close();
    await tests.graph.post(`/api/v1/servers/${agent.serverId}/revokeCertificates`);
    expect((await agent.send('DELETE', '/agent/v1/membership')).body.error.code).toBe('certificateRevoked');
    const path = `microsoftTunnelSites/${tests.siteId}/microsoftTunnelServers/${agent.serverId}`;
    expect((await tests.graph.get(path)).status).toBe(200);
  });
});

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newKeys } from '@culvert/certificates/issue.ts';
import { parseJoinToken, serverConfigurationSchema } from '@culvert/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { issueAgentCertificate } from '../agent-authority/agent-certificate.ts';
import { agentAuthority } from '../agent-authority/authority.ts';
import { newId } from '../database/identifier.ts';
import { findJoinToken, useJoinToken } from '../join-tokens/store.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { ensureDefaultSite } from './default-site.ts';
import { readGatewayFile } from './gateway-file.ts';
import { ensureCanJoin } from './joining.ts';

const settings = {
  publicAddress: 'vpn.example.com',
  serverConfiguration: serverConfigurationSchema.parse({
    displayName: 'Default',
    network: '10.70.0.0/16',
    dnsServers: ['10.60.0.53'],
  }),
};

describeOnEachEngine('the gateway of this host', (database) => {
  let directory: string;
  let membership: string;
  let agentDirectory: string;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'culvert-local-gateway-'));
    membership = join(directory, 'local-gateway.json');
    agentDirectory = join(directory, 'agent');
    await database().tables.deleteFrom('servers').execute();
    await database().tables.deleteFrom('sites').execute();
    await database().tables.deleteFrom('server_configurations').execute();
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const tokenFile = () => join(agentDirectory, 'join-token');
  const canJoin = (context: TestContext, siteId: string) =>
    ensureCanJoin(context, { directory: agentDirectory, siteId });

  /** What the token in the file is good for. */
  async function token() {
    const parsed = parseJoinToken(readFileSync(tokenFile(), 'utf8'));
    if (parsed === undefined) throw new Error('it is no join token');
    return { ...parsed, stored: await findJoinToken(database().tables, parsed.secret) };
  }

  /** As an agent leaves its directory, and the control plane its records, when it has joined with the token. */
  async function joinAsAgent(context: TestContext, siteId: string, displayName: string): Promise<string> {
    const { tables } = database();
    const at = context.now();
    const id = newId(at);
    await tables
      .insertInto('servers')
      .values({
        id,
        version: 1,
        site_id: siteId,
        display_name: displayName,
        tunnel_server_health_status: 'unknown',
        deployment_mode: 'standaloneRootful',
      })
      .execute();
    const { stored } = await token();
    if (stored === undefined) throw new Error('the token is not known');
    await useJoinToken(tables, stored, id, at);
    const { publicKey } = await newKeys();
    const authority = await agentAuthority(context);
    const certificate = await issueAgentCertificate(tables, authority, id, publicKey, at);
    writeFileSync(join(agentDirectory, 'agent.json'), JSON.stringify({ serverId: id, siteId }));
    writeFileSync(join(agentDirectory, 'agent.key'), 'a key');
    writeFileSync(join(agentDirectory, 'agent.crt'), certificate);
    rmSync(tokenFile());
    return id;
  }

  test('gets a site of its own at the first start, once', async () => {
    const context = new TestContext(database());
    const site = await ensureDefaultSite(context, membership, settings);
    expect(await ensureDefaultSite(context, membership, settings)).toBe(site);
    rmSync(membership);
    expect(await ensureDefaultSite(context, membership, settings)).toBe(site);
    const graph = new GraphCaller(await testApplication(context, registerRoutes));
    const { body } = await graph.get('microsoftTunnelSites?$expand=microsoftTunnelConfiguration');
    expect(body.value).toMatchObject([
      {
        id: site,
        displayName: 'Default',
        publicAddress: 'vpn.example.com',
        microsoftTunnelConfiguration: { network: '10.70.0.0/16', dnsServers: ['10.60.0.53'] },
      },
    ]);
  });

  test('gets its site also when devices cannot reach its address, and the log says so', async () => {
    const context = new TestContext(database());
    const doubts = vi.spyOn(context.logger, 'warn');
    await ensureDefaultSite(context, membership, { ...settings, publicAddress: '192.0.2.2' });
    expect(doubts.mock.calls).toEqual([
      [expect.anything(), expect.stringContaining('cannot reach 192.0.2.2')],
    ]);
  });

  test('gets a join token that only its own user reads, until its agent has joined', async () => {
    const context = new TestContext(database());
    const siteId = await ensureDefaultSite(context, membership, settings);
    expect(await canJoin(context, siteId)).toBe(true);
    expect(statSync(tokenFile()).mode & 0o777).toBe(0o600);
    expect(await token()).toMatchObject({
      fingerprint: (await agentAuthority(context)).fingerprint,
      stored: { site_id: siteId, server_id: null, used_at: null },
    });
    await joinAsAgent(context, siteId, 'host');
    expect(await canJoin(context, siteId)).toBe(false);
  });

  test.each(['agent.crt', 'agent.key', 'agent.json'])(
    'joins again under its old record when %s is gone',
    async (file) => {
      const context = new TestContext(database());
      const siteId = await ensureDefaultSite(context, membership, settings);
      await canJoin(context, siteId);
      const server = await joinAsAgent(context, siteId, `without ${file}`);
      rmSync(join(agentDirectory, file));
      expect(await canJoin(context, siteId)).toBe(true);
      expect((await token()).stored).toMatchObject({ server_id: server });
    },
  );

  test('joins again under its old record when its certificate was revoked or has expired', async () => {
    const context = new TestContext(database());
    const siteId = await ensureDefaultSite(context, membership, settings);
    await canJoin(context, siteId);
    const server = await joinAsAgent(context, siteId, 'expired');
    const certificates = database().tables.updateTable('agent_certificates').where('server_id', '=', server);
    await certificates.set({ not_after: context.now().toISOString() }).execute();
    expect(await canJoin(context, siteId)).toBe(true);
    expect((await token()).stored).toMatchObject({ server_id: server });
  });

  test('joins as another server when its record is gone', async () => {
    const context = new TestContext(database());
    const siteId = await ensureDefaultSite(context, membership, settings);
    await canJoin(context, siteId);
    const server = await joinAsAgent(context, siteId, 'deleted');
    await database().tables.deleteFrom('servers').where('id', '=', server).execute();
    expect(await canJoin(context, siteId)).toBe(true);
    expect((await token()).stored).toMatchObject({ server_id: null });
  });

  test('does not join when its site was deleted, and says what to do', async () => {
    const context = new TestContext(database());
    const siteId = await ensureDefaultSite(context, membership, settings);
    await database().tables.deleteFrom('sites').execute();
    await expect(canJoin(context, siteId)).rejects.toThrow('its site was deleted');
  });

  test('has a file that is refused with every mistake in it', async () => {
    const file = join(directory, 'gateway.json');
    writeFileSync(file, JSON.stringify({ publicAddress: 'vpn.example.com', stateDirectory: 7 }));
    await expect(readGatewayFile(file)).rejects.toThrow(
      /serverConfiguration.*stateDirectory|stateDirectory.*serverConfiguration/s,
    );
  });
});

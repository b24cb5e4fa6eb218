import { agentListenerSchema, enrolmentAnswerSchema } from '@culvert/contracts';
import type { Access } from '@culvert/lab/control-plane/control-plane.ts';
import { execute } from '@culvert/lab/system/command.ts';
import { Connection } from '../control-plane/connection.ts';
import { inParallel } from '../crowd.ts';
import { type Identity, type Listener, localAddress } from './identity.ts';
import { AgentConnections } from './requests.ts';
import type { AgentTask } from './simulated-agent.ts';

const graph = '/graph/beta/deviceManagement';
const together = 4;
const answerTimeout = 30_000;

/** Makes a site and lets agents join it, as an administrator does with a token of the API. */
export async function joinAgents(
  access: Access,
  count: number,
  intervalSeconds: number,
  say: (line: string) => void,
): Promise<AgentTask[]> {
  say(`${count} agents join`);
  const connection = await Connection.open(access);
  try {
    const listener = await findListener(connection);
    const siteId = await createSite(connection);
    const tasks: AgentTask[] = [];
    await inParallel(
      Array.from({ length: count }, (_, index) => index),
      together,
      async (index) => {
        const identity = await join(listener, access.token, siteId, index);
        const firstAfterSeconds = Math.random() * intervalSeconds;
        tasks.push({ index, identity, listener, firstAfterSeconds });
      },
    );
    return tasks;
  } finally {
    connection.close();
  }
}

async function findListener(connection: Connection): Promise<Listener> {
  const { status, body } = await connection.get('/api/v1/agentListener');
  if (status !== 200) throw new Error(`the listener of agents is not known: ${status} ${body}`);
  const { url, authority } = agentListenerSchema.parse(JSON.parse(body.toString()));
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port), authority };
}

async function createSite(connection: Connection): Promise<string> {
  const configuration = await create(connection, 'microsoftTunnelConfigurations', {
    displayName: 'Fleet',
    network: '10.70.0.0/16',
    dnsServers: ['10.60.0.53'],
    routeIncludes: ['10.60.0.0/16'],
  });
  return create(connection, 'microsoftTunnelSites', {
    displayName: 'Fleet',
    publicAddress: 'vpn.example.com',
    internalNetworkProbeUrl: 'http://intranet.example.com/',
    microsoftTunnelConfiguration: { id: configuration },
  });
}

async function create(connection: Connection, path: string, object: unknown): Promise<string> {
  const { status, body } = await connection.post(`${graph}/${path}`, object);
  if (status !== 201) throw new Error(`POST ${path} was answered with ${status}: ${body}`);
  return JSON.parse(body.toString()).id;
}

async function join(listener: Listener, token: string, siteId: string, index: number): Promise<Identity> {
  const { certificateRequest, privateKey } = await makeRequest(index);
  const address = localAddress(index);
  const connections = new AgentConnections(listener, { localAddress: address });
  try {
    const { status, body } = await connections.post(
      '/agent/v1/enrol',
      { certificateRequest, hostName: `gateway-${index}`, deploymentMode: 'standaloneRootful', siteId },
      answerTimeout,
      { authorization: `Bearer ${token}` },
    );
    if (status !== 200 && status !== 201)
      throw new Error(`agent ${index} may not join: ${status} ${JSON.stringify(body)}`);
    const { serverId, certificate } = enrolmentAnswerSchema.parse(body);
    return { serverId, certificate, privateKey, localAddress: address };
  } finally {
    connections.close();
  }
}

/** A key and a certificate request (PKCS#10), both PEM. */
async function makeRequest(index: number): Promise<{ certificateRequest: string; privateKey: string }> {
  const { stdout } = await execute([
    ...['openssl', 'req', '-new', '-config', '/dev/null', '-noenc', '-subj', `/CN=gateway-${index}`],
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', '-', '-out', '-'],
  ]);
  const part = (label: string) => {
    const [whole] = new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----\n`).exec(stdout) ?? [];
    if (whole === undefined) throw new Error(`openssl made no ${label}`);
    return whole;
  };
  return { certificateRequest: part('CERTIFICATE REQUEST'), privateKey: part('PRIVATE KEY') };
}

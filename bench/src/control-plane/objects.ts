import { Connection, type Target } from './connection.ts';

const base = '/graph/beta/deviceManagement';
const sites = 1_000;
const servers = 10_000;
/** Sites that have most of the servers, so that their lists have many pages; the other servers are spread evenly. */
const largeSites = 5;
const serversOfLargeSite = 1_000;
const writers = 8;

/** Makes the sites and servers through the API; resolves to the large sites. */
export async function createObjects(target: Target, say: (line: string) => void): Promise<string[]> {
  const connections = await Promise.all(Array.from({ length: writers }, () => Connection.open(target)));
  const all = async <Item>(count: number, make: (connection: Connection, index: number) => Promise<Item>) => {
    const made: Item[] = [];
    let next = 0;
    await Promise.all(
      connections.map(async (connection) => {
        for (let index = next++; index < count; index = next++) made[index] = await make(connection, index);
      }),
    );
    return made;
  };
  try {
    say(`creating ${sites} sites and ${servers} servers`);
    const [configuration] = await all(1, (connection) =>
      create(connection, 'microsoftTunnelConfigurations', {
        displayName: 'Headquarters',
        network: '10.70.0.0/16',
        dnsServers: ['10.60.0.53'],
        routeIncludes: ['10.60.0.0/16'],
      }),
    );
    const ids = await all(sites, (connection, index) =>
      create(connection, 'microsoftTunnelSites', {
        displayName: `Site ${String(index).padStart(4, '0')}`,
        description: 'A branch office with its own connection to the internet',
        publicAddress: `vpn-${index}.example.com`,
        upgradeWindowStartTime: '22:00:00',
        upgradeWindowEndTime: '04:00:00',
        upgradeWindowTimeZone: index % 2 === 0 ? 'Asia/Tokyo' : 'Europe/Berlin',
        internalNetworkProbeUrl: 'http://intranet.example.com/',
        microsoftTunnelConfiguration: { id: configuration },
      }),
    );
    const inLarge = largeSites * serversOfLargeSite;
    await all(servers, (connection, index) => {
      const site =
        index < inLarge
          ? Math.floor(index / serversOfLargeSite)
          : largeSites + (index % (sites - largeSites));
      return create(connection, `microsoftTunnelSites/${ids[site]}/microsoftTunnelServers`, {
        displayName: `gateway-${String(index).padStart(5, '0')}`,
      });
    });
    return ids.slice(0, largeSites);
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** What the servers would have reported, as a statement for the database: the API does not let anybody claim it. */
export const reportedStates = `
  update servers set
    tunnel_server_health_status =
      (array['healthy', 'healthy', 'healthy', 'warning', 'unhealthy', 'offline'])[1 + abs(hashtext(id)) % 6],
    last_checkin_date_time = to_char(timestamp '2026-11-24' + abs(hashtext(id)) % 86400 * interval '1 second',
      'YYYY-MM-DD"T"HH24:MI:SS".000Z"'),
    agent_image_digest = 'sha256:' || md5('agent') || md5('agent'),
    server_image_digest = 'sha256:' || md5('server') || md5('server');
  analyze`;

async function create(connection: Connection, path: string, object: unknown): Promise<string> {
  const { status, body } = await connection.post(`${base}/${path}`, object);
  if (status !== 201) throw new Error(`POST ${path} was answered with ${status}: ${body.toString()}`);
  return JSON.parse(body.toString()).id;
}

import { mkdirSync, readFileSync } from 'node:fs';
import { gatewayName } from '../network/network.ts';
import type { Authority } from '../server/certificates.ts';
import { writeAccounts } from '../server/culvert.ts';
import { type ServerSettings, serverSettings } from '../server/server.ts';
import { makeDirectory } from '../system/run.ts';
import type { PrivateHost } from './private-host.ts';

/** The directory of a server, on its host and in its containers. */
export const serverDirectory = '/etc/mstunnel';

/** The service account: numbers for `UID:GID`. */
export interface ServiceAccount {
  userId: number;
  groupId: number;
}

/** Makes the service account and `/etc/mstunnel` by hand, with a certificate and accounts, as the setup would. */
export async function makeServerDirectory(
  host: PrivateHost,
  authority: Authority,
  changes: Partial<ServerSettings> = {},
): Promise<ServiceAccount> {
  await host.run([
    'useradd',
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    'mstunnel',
  ]);
  for (const name of ['', '/certs', '/private', '/ca-trust', '/agent'])
    mkdirSync(host.path(serverDirectory + name), { recursive: true });
  const { server, gateway, accounts } = serverSettings(changes);
  const certificate = await authority.issueSite();
  host.writeFile(`${serverDirectory}/certs/site.crt`, readFileSync(certificate.chainFile, 'utf8'));
  host.writeFile(`${serverDirectory}/private/site.key`, readFileSync(certificate.privateKeyFile, 'utf8'));
  host.writeFile(`${serverDirectory}/ca-trust/lab.crt`, readFileSync(authority.rootFile, 'utf8'));
  const usersFile = `${makeDirectory('accounts')}/users`;
  await writeAccounts(usersFile, accounts);
  host.writeFile(`${serverDirectory}/users`, readFileSync(usersFile, 'utf8'));
  const document = {
    publicAddress: gatewayName,
    serverConfiguration: server,
    tls: { certificateFile: 'certs/site.crt', privateKeyFile: 'private/site.key' },
    authentication: [{ kind: 'passwordFile', file: 'users' }],
    stateDirectory: '.',
    ...gateway,
  };
  host.writeFile(`${serverDirectory}/gateway.json`, JSON.stringify(document));
  await host.run([
    'sh',
    '-ec',
    `cd ${serverDirectory}
     chown root:mstunnel . certs private private/site.key ca-trust
     chown mstunnel:mstunnel agent gateway.json users
     chmod 1770 . && chmod 0755 certs ca-trust && chmod 0750 private && chmod 0700 agent
     chmod 0640 private/site.key && chmod 0600 gateway.json users`,
  ]);
  const number = async (option: string) => Number((await host.run(['id', option, 'mstunnel'])).stdout);
  return { userId: await number('--user'), groupId: await number('--group') };
}

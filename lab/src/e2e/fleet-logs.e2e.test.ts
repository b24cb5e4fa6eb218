import { join } from 'node:path';
import { expect, test } from 'vitest';
import { execute } from '../system/command.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { useFleet } from './use-fleet.ts';

const fleet = useFleet({ servers: 1, devices: 1 });

test('verbose logs that are ended early come as one archive, without the password and the cookie of a sign-in', async () => {
  const { controlPlane } = fleet();
  const server = fleet().serverAt(0);
  const { id: serverId } = await fleet().record(server);
  const { id } = await controlPlane.ask('POST', `/api/v1/servers/${serverId}/sendVerboseLogs`, {
    minutes: 10,
    includeAccessLog: true,
  });
  await eventually('the logs are verbose', async () => /"level":"(debug|trace)"/.test(server.output), 30_000);
  const client = fleet().startClient(0, { extra: ['--dump-http-traffic'] });
  await client.connected();
  const [, cookie = ''] = /webvpn=([A-Za-z0-9+/_-]{8,})/.exec(client.log) ?? [];
  expect(cookie).not.toBe('');
  await client.logOut();
  await controlPlane.ask('POST', `/api/v1/servers/${serverId}/stopVerboseLogs`);
  const collections = '/graph/beta/deviceManagement/microsoftTunnelServerLogCollectionResponses';
  await eventually(
    'the archive is there',
    async () => (await controlPlane.ask('GET', `${collections}/${id}`)).status === 'completed',
    60_000,
  );
  const { value: url } = await controlPlane.ask('POST', `${collections}/${id}/createDownloadUrl`);
  const directory = makeDirectory('logs');
  const archive = join(directory, 'logs.tar.gz');
  const { pathname, search } = new URL(String(url));
  await controlPlane.download(`${pathname}${search}`, archive);
  await execute(['tar', '--extract', '--gzip', '--file', archive, '--directory', directory]);
  const { stdout: text } = await execute([
    ...['sh', '-c', 'find "$0" -type f ! -name logs.tar.gz -exec cat {} +', directory],
  ]);
  expect(text).toContain('mstunnel-agent');
  expect(text).toContain('mstunnel-server');
  expect(text).toContain('user1');
  expect(text).not.toContain(fleet().passwordOf(0));
  expect(text).not.toContain(cookie);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayClient } from './gateway-client.ts';
import { lookAtGateway, lostSessions } from './gateway-health.ts';

let directory: string;
let server: Server;
let answers: Record<string, unknown>;
let gateway: GatewayClient;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gateway-health-'));
  answers = { '/status': { engine: { connected: true, processId: 7 } }, '/sessions': { sessions: [] } };
  server = createServer((request, response) => response.end(JSON.stringify(answers[request.url ?? ''])));
  await new Promise<void>((resolve) => server.listen(join(directory, 'admin.sock'), resolve));
  gateway = new GatewayClient(join(directory, 'admin.sock'));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

const configurationFile = () => join(directory, 'gateway.json');

test('a gateway of another release that tells less answers still', async () => {
  answers['/status'] = { somethingElse: [] };
  expect(await gateway.status()).toEqual({ engine: { connected: true } });
});

test('a gateway that cannot be reached is told apart from one without its engine and one without its port', async () => {
  writeFileSync(configurationFile(), JSON.stringify({ serverConfiguration: { listenPort: 1 } }));
  expect(await lookAtGateway(gateway, configurationFile())).toMatch(
    /^no TLS connection at port 1 of 127\.0\.0\.1: /,
  );
  answers['/status'] = { engine: { connected: false } };
  expect(await lookAtGateway(gateway, configurationFile())).toContain('has no engine');
  const nobody = new GatewayClient(join(directory, 'nobody.sock'));
  expect(await lookAtGateway(nobody, configurationFile())).toContain('does not answer at its socket');
});

test('a port that takes connections and shakes no hands is not well', async () => {
  // Without a certificate every handshake fails.
  const silent = createTlsServer();
  silent.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  writeFileSync(configurationFile(), JSON.stringify({ serverConfiguration: { listenPort: port } }));
  expect(await lookAtGateway(gateway, configurationFile())).toContain(`no TLS connection at port ${port}`);
  silent.close();
});

test('tunnels are lost when more than half of them are gone, and only in the same engine', async () => {
  const before = { engineProcessId: 7, sessions: ['a', 'b', 'c', 'd'], controlPlaneReached: true };
  const connected = (...ids: string[]) => ids.map((id) => ({ id, state: 'connected' }));
  answers['/sessions'] = { sessions: [...connected('a', 'b'), { id: 'c', state: 'away' }] };
  expect(await lostSessions(gateway, before)).toBeUndefined();
  answers['/sessions'] = { sessions: connected('a', 'e', 'f', 'g') };
  expect(await lostSessions(gateway, before)).toBe('3 of 4 tunnels were lost when the gateway was changed');
  expect(await lostSessions(gateway, { ...before, engineProcessId: 8 })).toBeUndefined();
  expect(await lostSessions(gateway, { sessions: ['a', 'b'], controlPlaneReached: false })).toBeUndefined();
});

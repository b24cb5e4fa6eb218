import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RevocationAuthority } from '@culvert/certificates/testing/revocation-authority.ts';
import { agentMetricNames, healthReasonsSchema, healthSampleSchema } from '@culvert/contracts';
import { TestServers } from '@culvert/network-errors/testing/servers.ts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createHealthSource, type RunningHealthSource } from './create-health-source.ts';
import { healthTable } from './report.ts';

const directory = mkdtempSync(join(tmpdir(), 'culvert-health-'));
const servers = new TestServers();
const sources: RunningHealthSource[] = [];
let authority: RevocationAuthority;
let sockets = 0;

beforeAll(async () => {
  authority = await RevocationAuthority.start();
  authority.workshop.issue('vpn.example.com', 'ca', { extensions: authority.extensions('ocsp', 'crl') });
});
afterEach(async () => {
  for (const source of sources.splice(0)) await source.close();
  servers.close();
});
afterAll(async () => {
  await authority.stop();
  rmSync(directory, { recursive: true });
});

function start(adminSocket: string): RunningHealthSource {
  const source = createHealthSource({
    paths: { directory, adminSocket, agentDirectory: directory },
    proxyFor: () => undefined,
  });
  sources.push(source);
  return source;
}

/** A gateway that tells and measures what a real one would. */
async function gateway(): Promise<string> {
  const chain = ['vpn.example.com', 'ca'].map((name) =>
    new X509Certificate(authority.workshop.read(`${name}.crt`)).raw.toString('base64'),
  );
  sockets += 1;
  const path = join(directory, `${sockets}.sock`);
  await servers.local(path, {
    '/status': [200, JSON.stringify({ engine: { connected: true }, sessions: { connected: 7 } })],
    '/measurements/front': [200, JSON.stringify({ chain, status: 200 })],
    '/measurements/latency': [200, JSON.stringify({ milliseconds: 0.25 })],
    '/measurements/traffic': [
      200,
      JSON.stringify({ interfaces: [{ name: 'eth0', index: 2, received: 1, sent: 2 }] }),
    ],
  });
  return path;
}

test('every metric of an agent has a value or a reason, also where there is nothing to measure', async () => {
  const source = start(join(directory, 'none.sock'));
  await source.measured();
  const { values, reasons } = await source.sample();
  expect(healthSampleSchema.safeParse({ at: new Date().toISOString(), values }).error).toBeUndefined();
  expect(healthReasonsSchema.safeParse(reasons).error).toBeUndefined();
  for (const name of agentMetricNames) expect(values[name] ?? reasons[name], name).toBeDefined();
  expect(values.cpuCores).toBeGreaterThan(0);
  expect(values.diskFree).toBeGreaterThan(0);
  expect(values.memoryUsage).toBeGreaterThan(0);
  expect(values.cpuUsage).toBeGreaterThanOrEqual(0);
});

test.each([
  ['valid' as const, 0],
  [{ revokedFor: 'keyCompromise' }, 2],
])('the certificate that the gateway serves is asked about, being %s', async (entry, value) => {
  authority.state({ 'vpn.example.com': entry });
  const source = start(await gateway());
  await source.measured();
  const { values, reasons } = await source.sample();
  expect(values).toMatchObject({
    currentConnections: 7,
    serverContainerHealthy: 1,
    latency: 0.25,
    throughput: 0,
    tlsCertificateRevoked: value,
  });
  expect(reasons.tlsCertificateRevoked?.includes('was revoked by CN=ca') ?? false).toBe(value === 2);
});

test('a responder that answers without end, with an error or with garbage is told as one that cannot tell', async () => {
  authority.state({ 'vpn.example.com': 'valid' });
  authority.distortions.set('/ocsp', () => Buffer.alloc(100_000));
  authority.distortions.set('/ca.crl', () => Buffer.from('garbage'));
  const source = start(await gateway());
  await source.measured();
  authority.distortions.clear();
  const { values, reasons } = await source.sample();
  expect(values.tlsCertificateRevoked).toBe(1);
  expect(reasons.tlsCertificateRevoked).toContain('/ocsp: its answer is longer than 65536 bytes');
  expect(reasons.tlsCertificateRevoked).toContain('/ca.crl: the answer is no certificate revocation list');
});

test('the table for people has a line for each metric', () => {
  const table = healthTable({ values: { cpuCores: 4 }, reasons: { latency: 'no gateway' } });
  expect(table.split('\n')).toHaveLength(agentMetricNames.length);
  expect(table).toMatch(/^cpuCores +4$/m);
  expect(table).toMatch(/^latency +- {2}no gateway$/m);
});

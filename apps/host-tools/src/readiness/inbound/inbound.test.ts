import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { inboundReports } from './inbound-reports.ts';
import { judgeInbound } from './judge-inbound.ts';
import { listenForProbe, type ProbeListener } from './listen-for-probe.ts';
import { readStrangers } from './running-gateway.ts';

const arrived = { hasArrived: true, milliseconds: 7 };
const missing = { hasArrived: false, milliseconds: null };
const probed = (tcp = arrived, udp: typeof arrived | typeof missing = arrived) => [
  { address: '203.0.113.7', tcp, udp, datagrams: 5 },
];

describe('what a probe says', () => {
  test('which of the two does not arrive', () => {
    expect(judgeInbound('tcp', 443, probed()).found.en).toBe('TCP port 443 arrives: 203.0.113.7 7 ms');
    expect(judgeInbound('udp', 443, probed(arrived, missing))).toMatchObject({
      result: 'failed',
      found: { en: 'UDP port 443 does not arrive at 203.0.113.7' },
    });
  });

  test('one of several addresses is a warning', () => {
    const second = { address: '2001:db8::1', tcp: arrived, udp: missing, datagrams: 5 };
    expect(judgeInbound('udp', 443, [...probed(), second]).result).toBe('warning');
  });

  test.each([
    [undefined, 'unknown'],
    [0, 'failed'],
    [2, 'warning'],
    [4, 'ok'],
    [5, 'ok'],
    [900, 'ok'],
  ])('a gateway that has counted %s of 5 datagrams: %s', (counted, result) => {
    expect(judgeInbound('udp', 443, probed(arrived, missing), { isCounted: true, counted }).result).toBe(
      result,
    );
  });
});

test('the count is in the status of the gateway, or nowhere', () => {
  expect(readStrangers('{"engine":{"counters":{"datagramsFromStrangers":3}}}')).toBe(3);
  for (const text of ['', '{}', '{"engine":{}}', '[]']) expect(readStrangers(text)).toBeUndefined();
});

describe('at the port', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  const freePort = async () => {
    const server = createServer().listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  };
  const question = async (adminSocket = '/nonexistent') => ({
    address: 'vpn.test',
    port: await freePort(),
    adminSocket,
  });

  test('where nothing listens the tool does, and lets go of the port', async () => {
    const asked = await question();
    const reports = await inboundReports(asked, async ({ udpCookie }) => {
      expect(udpCookie).toMatch(/^[0-9a-f]{32}$/);
      return { value: probed() };
    });
    expect(reports.map(({ result }) => result)).toEqual(['ok', 'ok']);
    const again: ProbeListener = await listenForProbe(asked.port);
    open.push(again);
  });

  test('where a gateway listens its certificate is asked for, and it counts', async () => {
    // What stands for the gateway is the listener of another run: it shows a certificate.
    const asked = await question(join(mkdtempSync(join(tmpdir(), 'culvert-inbound-')), 'admin.sock'));
    const gateway = await listenForProbe(asked.port);
    let count = 10;
    const admin = createHttpServer((_request, response) => {
      response.end(JSON.stringify({ engine: { counters: { datagramsFromStrangers: count } } }));
      count += 5;
    }).listen(asked.adminSocket);
    open.push(gateway, admin);
    await once(admin, 'listening');
    const reports = await inboundReports(asked, async ({ certificateFingerprint, udpCookie }) => {
      expect([certificateFingerprint, udpCookie]).toEqual([gateway.certificateFingerprint, null]);
      return { value: probed(arrived, missing) };
    });
    expect(reports.map(({ result }) => result)).toEqual(['ok', 'ok']);
    expect(reports[1]?.found.en).toContain('counted 5 of 5');
  });

  test('where another program listens that is told, with what to do', async () => {
    const asked = await question();
    const other = createServer((socket) => socket.on('error', () => {}).end('hello\r\n')).listen(asked.port);
    open.push(other);
    await once(other, 'listening');
    await expect(inboundReports(asked, async () => ({ value: [] }))).rejects.toThrow(
      /taken by a program that is no gateway/,
    );
  });
});

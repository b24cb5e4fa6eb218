import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { IdentityStore } from '../../../apps/agent/src/identity/identity-store.ts';
import { joinAsAdministrator } from '../../../apps/agent/src/joining/join-as-administrator.ts';
import type { Browser } from '../../../apps/control-plane/src/testing/browser.ts';
import { configurationExample, siteExample } from '../../../apps/control-plane/src/testing/graph.ts';
import { tokensOf } from '../../../apps/control-plane/src/testing/openid.ts';
import {
  type ControlPlanes,
  publicUrl,
  startControlPlanes,
} from '../../../apps/control-plane/src/testing/running-control-plane.ts';

// A sign-in by device code is asked after each five seconds.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let planes: ControlPlanes;
let proxy: Server;
let browser: Browser;
let siteId: string;
let directory: string;

beforeAll(async () => {
  planes = await startControlPlanes('sqlite');
  const [replica] = planes.replicas;
  if (replica === undefined) throw new Error('nothing runs');
  // Names of the control plane lead to loopback through it.
  proxy = createServer().on('connect', ({ url }, socket) => {
    const port = url === 'control.test:8443' ? replica.port : replica.agentPort;
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { userName, password } = planes.administrator;
  const tokens = await tokensOf(planes, userName, password);
  browser = tokens.browser;
  const create = async (path: string, value: object): Promise<string> => {
    const answer = await planes.fetch(`${publicUrl}/graph/beta/deviceManagement/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.access}`, 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
    return (JSON.parse(await answer.text()) as { id: string }).id;
  };
  const configuration = await create('microsoftTunnelConfigurations', configurationExample);
  siteId = await create('microsoftTunnelSites', siteExample(configuration));
});
afterAll(async () => {
  proxy.close();
  await planes.stop();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'join-'));
});
afterEach(() => rm(directory, { recursive: true }));

const store = () => new IdentityStore(directory);
const authority = () => readFileSync(planes.replicas[0]?.certificate.authority?.file ?? '', 'utf8');

function joinAs(
  answer: string,
  choices: { siteId?: string; serverId?: string; authority?: string | undefined } = {},
) {
  const { port } = proxy.address() as AddressInfo;
  // The person opens the page that the terminal names, types the code and answers.
  const person = vi.fn(async (address: string, code: string) => {
    await browser.open(address);
    await browser.submit({ user_code: code });
    await browser.submit({}, answer);
  });
  const wish = {
    controlPlane: `${publicUrl}/`,
    siteId: undefined,
    serverId: undefined,
    authority: authority(),
  };
  return joinAsAdministrator({ ...wish, ...choices }, (address, code) => void person(address, code), {
    store: store(),
    proxy: { host: '127.0.0.1', port },
    environment: {},
  });
}

describe('a server that an administrator lets join', () => {
  test('is told the sites when none is named, joins the one that is, and joins again as the same', async () => {
    await expect(joinAs('confirm')).rejects.toMatchObject({
      name: 'NoSiteNamed',
      sites: expect.arrayContaining([expect.objectContaining({ id: siteId })]),
    });
    expect(await store().load()).toEqual({ kind: 'none' });
    const joined = await joinAs('confirm', { siteId });
    expect(joined).toMatchObject({ siteId });
    const first = await store().certificate();
    const { serverId } = joined;
    expect(await joinAs('confirm', { serverId })).toMatchObject({ serverId, siteId });
    expect(await store().certificate()).not.toBe(first);
  });

  test('does not join when the person refuses, or the site is unknown', async () => {
    await expect(joinAs('abort', { siteId })).rejects.toThrow('was refused in the browser');
    const unknown = '00000000-0000-4000-8000-000000000000';
    await expect(joinAs('confirm', { siteId: unknown })).rejects.toThrow(/site/);
    expect(await store().load()).toEqual({ kind: 'none' });
  });

  test('names the option for the authority when the address of administrators is not trusted', async () => {
    await expect(joinAs('confirm', { siteId, authority: undefined })).rejects.toThrow('--authority-file');
  });
});

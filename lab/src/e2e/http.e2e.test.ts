import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serverKind } from '../lab.ts';
import { corpAddress } from '../network/network.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { type HttpRequest, request } from '../traffic/https.ts';
import { reaches, SteadyPing } from '../traffic/ping.ts';
import { useLab } from './use-lab.ts';

const lab = useLab({ network: { devices: 2 } });
const onlyProduct = test.runIf(serverKind === 'culvert');

const ask = (what: Partial<HttpRequest> = {}) =>
  request(lab().network.device.namespace, { authoritiesFile: lab().authority.rootFile, ...what });

onlyProduct('a plain GET is answered with a static page that tells no secrets', async () => {
  const first = await ask();
  expect(first.status).toBe(200);
  const told = `${first.head}\n${first.body}`;
  expect(told).not.toMatch(/culvert|node|fastify|version|powered/i);
  // Always the same bytes; a load balancer may compare them.
  expect((await ask()).body).toBe(first.body);
});

onlyProduct('HEAD is answered like GET without the page', async () => {
  const answer = await ask({ method: 'HEAD' });
  expect(answer.status).toBe(200);
  expect(answer.head).toContain(`${(await ask()).body.length}`);
});

onlyProduct.each(['/nothing', '/../etc/passwd', '/CACHE/sdesktop/', '/+CSCOE+/logon.html', '/?secret/x/'])(
  '%s is answered without a hint',
  async (path) => {
    const answer = await ask({ path, extra: ['--path-as-is'] });
    expect(path.startsWith('/?') ? [200] : [404, 400]).toContain(answer.status);
    expect(answer.body).not.toMatch(/culvert|Error:|at .*\.ts/i);
  },
);

onlyProduct('without a PROXY header in its configuration the gateway refuses one', async () => {
  const probe = await lab().network.device.namespace.attempt([
    ...['curl', '--silent', '--insecure', '--max-time', '10', '--haproxy-protocol', 'https://10.50.0.1/'],
  ]);
  expect(probe.code).not.toBe(0);
  expect((await ask()).status).toBe(200);
});

onlyProduct('behind a balancer a connection without PROXY header gets nothing', async () => {
  await lab().restartServer({ gateway: { proxyProtocol: true } });
  try {
    const { namespace } = lab().network.device;
    const plain = ['curl', '--silent', '--insecure', '--max-time', '15', 'https://10.50.0.1/'];
    expect((await namespace.attempt(plain)).code).not.toBe(0);
    expect((await namespace.attempt([...plain, '--haproxy-protocol'])).code).toBe(0);
  } finally {
    await lab().restartServer();
  }
});

/** A real HAProxy on the second device, at layer 4 in front of the gateway. */
async function startBalancer(version: 'send-proxy' | 'send-proxy-v2') {
  const file = join(makeDirectory('haproxy'), 'haproxy.cfg');
  writeFileSync(
    file,
    `defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 10.50.0.3:443
  default_backend gateway
backend gateway
  server one 10.50.0.1:443 ${version}
`,
  );
  const balancer = lab().network.deviceAt(1).namespace.start(['haproxy', '-db', '-f', file]);
  // It says nothing when all is well; the client's first try would come too early otherwise.
  const listening = ['sh', '-c', 'until ss -Hltn | grep -q 10.50.0.3:443; do sleep 0.1; done'];
  await lab().network.deviceAt(1).namespace.run(listening, { timeoutMilliseconds: 5_000 });
  return balancer;
}

onlyProduct.each(['send-proxy', 'send-proxy-v2'] as const)(
  'behind HAProxy (%s) a client gets its tunnel and the log has its own address',
  async (version) => {
    await lab().restartServer({ gateway: { proxyProtocol: true } });
    const balancer = await startBalancer(version);
    try {
      const client = await lab().connect({ address: '10.50.0.3' }, 40_000);
      expect(await reaches(client.device.namespace, corpAddress)).toBe(true);
      const [session] = await lab().culvert.sessions();
      expect(session?.remoteAddress).toContain('10.50.0.2');
      await client.logOut();
    } finally {
      await balancer.stop();
      await lab().restartServer();
    }
  },
);

onlyProduct(
  'a gateway that is told to stop drains first: 503 for probes and new devices, tunnels go on',
  async () => {
    await lab().restartServer({ gateway: { drainSeconds: 12 } });
    const { culvert } = lab();
    const signedIn = lab().startClient({ user: 'bob', extra: ['--authenticate'] });
    await signedIn.process.waitForEnd(20_000);
    const cookie = /^COOKIE='(.*)'$/m.exec(signedIn.log)?.[1] ?? '';
    const client = await lab().connect();
    const ping = new SteadyPing(client.device.namespace, corpAddress);
    const stopped = culvert.stopGateway();
    const answer = await eventually('the probe is told to go elsewhere', async () => {
      const one = await ask();
      return one.status === 503 ? one : undefined;
    });
    expect(answer.head).toMatch(/^connection: close/im);
    // A device with a good cookie hears the reason, and its session is not over.
    const second = lab().startClient({ device: lab().network.deviceAt(1), cookie });
    expect((await second.process.waitForEnd(10_000)).code).not.toBe(0);
    expect(second.log).toContain('The server is stopping');
    expect(second.log).not.toMatch(/cookie was rejected/i);
    const { lost } = await ping.stop();
    expect(lost).toEqual([]);
    expect(culvert.running).toBe(true);
    expect(await stopped).toEqual({ code: 0, signal: undefined });
    expect(culvert.enginePid()).toBeUndefined();
    await lab().dismissClients();
    await lab().restartServer();
  },
);

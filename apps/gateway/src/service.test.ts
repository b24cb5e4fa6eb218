import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { EngineError, EngineRefusal } from './engine/engine.ts';
import {
  type ConfigurationChanges,
  connectRequest,
  cookieOf,
  initBody,
  opaqueOf,
  post,
  RecordingEngine,
  replyBody,
  signIn,
  startService,
  type TestService,
  until,
} from './service-testing.ts';

const running: TestService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
});

async function start(
  changes?: ConfigurationChanges,
  kept?: Parameters<typeof startService>[1],
): Promise<TestService> {
  const service = await startService(changes, kept);
  running.push(service);
  return service;
}

async function openTunnel(service: TestService, cookie: string): Promise<void> {
  const before = service.engine.attachments.length;
  service.connect({ connection: before + 10 }).write(connectRequest(cookie));
  await until(() => service.engine.attachments.length > before && service.log().length > 0);
  await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a sign-in', () => {
  test('goes from init over the form to a session and a tunnel', async () => {
    const service = await start();
    const connection = service.connect({ connection: 77 });
    const form = await connection.request(post(initBody()));
    expect(form.status).toBe(200);
    expect(form.body).toMatch(/^<\?xml/);
    expect(form.body).toContain('type="auth-request"');
    expect(form.body).toContain('<input type="password" name="password" label="Password:">');

    const done = await connection.request(
      post(replyBody(opaqueOf(form.body), 'alice', 'correct horse'), { path: '/auth' }),
    );
    const cookie = cookieOf(done.body);
    expect(cookie).toMatch(/^[0-9a-f]{56}$/);
    expect(done.headers).toContain(`webvpn=${cookie};`);
    expect(done.body).toContain('<auth id="success">');
    expect(done.body).toContain('type="complete"');
    // SHA-1 of "leaf".
    expect(done.body).toContain(
      '<server-cert-hash>98798241748EFACCB230386437B7873A478F5BD4</server-cert-hash>',
    );
    expect(done.headers).toContain('&sh:98798241748EFACCB230386437B7873A478F5BD4;');

    connection.write(connectRequest(cookie));
    await until(() => service.engine.attachments.length === 1);
    expect(service.engine.attachments[0]).toMatchObject({
      connection: 77,
      session: cookie.slice(0, 16),
      ipv4: '10.70.0.2',
      ipv6: 'fd70::2',
      mtu: 1434,
      dtls: { mode: 'psk', clientMasterSecret: '0a'.repeat(48) },
    });
    expect(service.engine.response).toMatch(/^HTTP\/1\.1 200 CONNECTED\r\n/);
    await until(() => service.log().length === 2);
    expect(service.log().map(({ event }) => event)).toEqual(['signIn', 'connect']);
    expect(JSON.stringify(service.log())).not.toContain(cookie);
  });

  test('may take a new connection for each step', async () => {
    const service = await start();
    const form = await service.connect().request(post(initBody()));
    const done = await service
      .connect()
      .request(post(replyBody(opaqueOf(form.body), 'alice', 'correct horse'), { path: '/auth' }));
    await openTunnel(service, cookieOf(done.body));
    expect(service.engine.attachments).toHaveLength(1);
  });

  test('with a wrong password shows the form again with an error, and ends after three', async () => {
    const service = await start();
    const connection = service.connect();
    let answer = await connection.request(post(initBody()));
    for (let failure = 1; failure <= 2; failure += 1) {
      answer = await connection.request(post(replyBody(opaqueOf(answer.body), 'alice', 'wrong')));
      expect(answer.status).toBe(200);
      expect(answer.body).toContain('<error id="15"');
      expect(answer.body).toContain('<form');
    }
    answer = await connection.request(post(replyBody(opaqueOf(answer.body), 'alice', 'wrong')));
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('<error');
    expect(answer.body).not.toContain('<form');
  });

  test('of an unknown user reads like one with a wrong password', async () => {
    const service = await start({ passwords: { verify: async () => 'refused' } });
    const ask = async (user: string) => {
      const connection = service.connect();
      const form = await connection.request(post(initBody()));
      const answer = await connection.request(post(replyBody(opaqueOf(form.body), user, 'wrong')));
      return answer.body.replace(/<sign-in>.*<\/sign-in>/, '');
    };
    expect(await ask('alice')).toBe(await ask('nobody'));
  });

  test('is asked again when the server is busy', async () => {
    const service = await start({ passwords: { verify: async () => 'busy' } });
    const connection = service.connect();
    const form = await connection.request(post(initBody()));
    const answer = await connection.request(post(replyBody(opaqueOf(form.body), 'alice', 'x')));
    expect(answer.body).toContain('try again');
    expect(answer.body).toContain('<form');
  });

  test.each([
    ['no state', () => ''],
    ['a forged state', () => `<opaque is-for="sg"><sign-in>${'0'.repeat(62)}</sign-in></opaque>`],
  ])('with %s starts over without looking at the password', async (_name, opaque) => {
    const service = await start();
    const answer = await service.connect().request(post(replyBody(opaque(), 'alice', 'correct horse')));
    expect(answer.body).toContain('<form');
    expect(answer.body).not.toContain('session-token');
  });

  test('that took longer than five minutes starts over', async () => {
    const service = await start();
    const connection = service.connect();
    const form = await connection.request(post(initBody()));
    service.advance(301_000);
    const answer = await connection.request(post(replyBody(opaqueOf(form.body), 'alice', 'correct horse')));
    expect(answer.body).toContain('<form');
    expect(answer.body).toContain('took too long');
  });

  test('works with the old form login of clients without XML', async () => {
    const service = await start();
    const connection = service.connect();
    const headers = 'Host: a\r\nUser-Agent: Open AnyConnect VPN Agent v9.01\r\n';
    const form = await connection.request(`GET / HTTP/1.1\r\n${headers}\r\n`);
    expect(form.body).toMatch(/^<\?xml[^>]*>\n<auth id="main">/);
    const state = /webvpncontext=([0-9a-f]+)/.exec(form.headers)?.[1];
    const fields = 'username=alice&password=correct%20horse';
    const done = await connection.request(
      `POST /auth HTTP/1.1\r\n${headers}Cookie: webvpncontext=${state}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${fields.length}\r\n\r\n${fields}`,
    );
    expect(done.body).toContain('<auth id="success">');
    expect(done.headers).toMatch(/webvpn=[0-9a-f]{56};/);
  });

  test('from a platform that is not allowed is refused at init, with words and without a form', async () => {
    const service = await start({ standalone: { allowedPlatforms: ['iOS', 'iPadOS'] } });
    const refused = await service.connect().request(post(initBody()));
    expect(refused.body).toContain('Linux');
    expect(refused.body).not.toContain('<form');
    const device = '<device-id device-type="iPad13,1" unique-id="u">apple-ios</device-id>';
    const accepted = await service.connect().request(post(initBody(device)));
    expect(accepted.body).toContain('<form');
    expect(service.log()).toMatchObject([{ event: 'signIn', result: 'refused', reason: 'platform' }]);
  });

  test('speaks Japanese when the configuration says so', async () => {
    const service = await start({ standalone: { language: 'ja' } });
    const form = await service.connect().request(post(initBody()));
    expect(form.body).toContain('ユーザー名とパスワードを入力してください。');
  });

  test('ends with logout, which makes the cookie worthless', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    const logout = `<config-auth client="vpn" type="logout"><session-token>${cookie}</session-token></config-auth>`;
    expect((await service.connect().request(post(logout))).status).toBe(200);
    expect((await service.connect().request(connectRequest(cookie))).status).toBe(401);
    expect(service.log().at(-1)).toMatchObject({ event: 'end', reason: 'logout', user: 'alice' });
  });
});

describe('a client certificate', () => {
  const certificates = (use: 'alone' | 'secondFactor', account = 'alice') => ({
    standalone: {
      authentication: [
        ...(use === 'alone' ? [] : [{ kind: 'passwordFile', file: 'a' }]),
        { kind: 'clientCertificate', authoritiesFile: 'b', use },
      ],
    },
    clientCertificates: {
      use,
      identity: 'commonName' as const,
      examine: (chain: Buffer[], possessionProved: boolean) =>
        !possessionProved
          ? ({ kind: 'refused', reason: 'unproved', detail: 'possession was not proved' } as const)
          : chain[0]?.toString() === 'weak'
            ? ({ kind: 'refused', reason: 'weakKey', detail: 'RSA 1024 bits is too weak' } as const)
            : ({ kind: 'accepted', account } as const),
    },
  });

  test('signs in alone without a form', async () => {
    const service = await start({ ...certificates('alone'), passwords: undefined as never });
    const done = await service.connect({ certificates: [Buffer.from('leaf')] }).request(post(initBody()));
    expect(done.body).toContain('<auth id="success">');
  });

  test('is needed besides the password, and its account must be the one typed', async () => {
    const service = await start(certificates('secondFactor', 'bob'));
    const missing = await service.connect().request(post(initBody()));
    expect(missing.body).toContain('certificate is needed');
    expect(missing.body).not.toContain('client-cert-request');
    const connection = service.connect({ certificates: [Buffer.from('leaf')] });
    const form = await connection.request(post(initBody()));
    const mismatch = await connection.request(post(replyBody(opaqueOf(form.body), 'alice', 'correct horse')));
    expect(mismatch.body).toContain('belongs to another user');
    const done = await connection.request(post(replyBody(opaqueOf(mismatch.body), 'bob', 'correct horse')));
    expect(done.body).toContain('<auth id="success">');
  });

  test('with a weak key is refused by name, to the user and in the log', async () => {
    const service = await start(certificates('secondFactor'));
    const answer = await service.connect({ certificates: [Buffer.from('weak')] }).request(post(initBody()));
    expect(answer.body).toContain('RSA 1024 bits is too weak');
    expect(service.log()[0]).toMatchObject({
      reason: 'certificateRefused',
      detail: 'weakKey: RSA 1024 bits is too weak',
    });
  });

  test('whose possession was not proved is refused', async () => {
    const service = await start(certificates('secondFactor'));
    const device = { certificates: [Buffer.from('leaf')], possessionProved: false };
    const answer = await service.connect(device).request(post(initBody()));
    expect(answer.body).not.toContain('<form');
  });

  test('that a client says it has not is answered with words, never with another request', async () => {
    const service = await start(certificates('secondFactor'));
    const body = initBody().replace('</config-auth>', '<client-cert-fail/></config-auth>');
    const answer = await service.connect().request(post(body));
    expect(answer.body).toContain('<error');
    expect(answer.body).not.toContain('client-cert-request');
  });
});

describe('an address that guesses passwords', () => {
  const guess = async (service: TestService, address: string, user: string, password = 'wrong') => {
    const connection = service.connect({ address });
    const form = await connection.request(post(initBody()));
    const answer = await connection.request(post(replyBody(opaqueOf(form.body), user, password)));
    connection.end();
    return answer;
  };

  test('is banned with the minutes named, while its live session goes on', async () => {
    const service = await start({ standalone: { signInProtection: { failuresBeforeBan: 3 } } });
    const cookie = await signIn(service.connect({ address: '203.0.113.5' }));
    for (const user of ['a', 'b']) await guess(service, '203.0.113.5', user);
    const banned = await guess(service, '203.0.113.5', 'c');
    expect(banned.body).toContain('in 5 minutes');
    expect(banned.body).not.toContain('<form');
    expect(service.service.bans()).toMatchObject([{ address: '203.0.113.5', failures: 3 }]);
    const init = await service.connect({ address: '203.0.113.5' }).request(post(initBody()));
    expect(init.body).not.toContain('<form');
    await openTunnel(service, cookie);
    expect(service.engine.attachments).toHaveLength(1);
    expect(service.service.unban('203.0.113.5')).toBe(1);
    expect((await guess(service, '203.0.113.5', 'alice', 'correct horse')).body).toContain('success');
  });

  test('is the whole /64 for IPv6', async () => {
    const service = await start({ standalone: { signInProtection: { failuresBeforeBan: 3 } } });
    for (const [index, user] of ['a', 'b', 'c'].entries())
      await guess(service, `2001:db8::${index + 1}`, user);
    expect(service.service.bans()).toMatchObject([{ address: '2001:db8::/64' }]);
  });
});

describe('sessions', () => {
  test('of one account are limited, at sign-in and with words', async () => {
    const service = await start({ standalone: { maximumSessionsPerAccount: 1 } });
    await openTunnel(service, await signIn(service.connect()));
    const connection = service.connect();
    const form = await connection.request(post(initBody()));
    const refused = await connection.request(post(replyBody(opaqueOf(form.body), 'alice', 'correct horse')));
    expect(refused.body).toContain('number of connected devices');
    expect(refused.body).not.toContain('<form');
  });

  test('of one account are limited however its name is composed', async () => {
    const service = await start({ standalone: { maximumSessionsPerAccount: 1 } });
    await openTunnel(service, await signIn(service.connect(), 'Ren\u00e9e'));
    const connection = service.connect();
    const form = await connection.request(post(initBody()));
    const composed = replyBody(opaqueOf(form.body), 'Rene\u0301e', 'correct horse');
    expect((await connection.request(post(composed))).body).toContain('number of connected devices');
  });

  test('that are away give way to a new one of the same account', async () => {
    const service = await start({ standalone: { maximumSessionsPerAccount: 1 } });
    const first = await signIn(service.connect());
    const second = await signIn(service.connect());
    expect(second).not.toBe('');
    expect((await service.connect().request(connectRequest(first))).status).toBe(401);
    expect(service.log().filter(({ event }) => event === 'end')).toMatchObject([{ reason: 'replaced' }]);
  });

  test('are refused with words when no address is free', async () => {
    const service = await start({ server: { network: '10.70.0.0/30' } });
    expect(await signIn(service.connect(), 'alice')).not.toBe('');
    const connection = service.connect();
    const form = await connection.request(post(initBody()));
    const refused = await connection.request(post(replyBody(opaqueOf(form.body), 'bob', 'correct horse')));
    expect(refused.body).toContain('no free address');
  });

  test('keep addresses and App-ID over a reconnect, also after the gateway was killed', async () => {
    const first = await start();
    const cookie = await signIn(first.connect());
    await openTunnel(first, cookie);
    await openTunnel(first, cookie);
    const [one, two] = first.engine.attachments;
    expect(two).toMatchObject({ session: one?.session, ipv4: one?.ipv4, ipv6: one?.ipv6 });
    expect(two?.dtls).toEqual(one?.dtls);
    expect(first.log().map(({ event }) => event)).toEqual(['signIn', 'connect', 'reconnect']);

    // The first gateway stays open: nothing of it is tidied up, as with kill -9.
    const second = await start({}, { directory: first.directory, engine: first.engine, now: first.now() });
    await openTunnel(second, cookie);
    expect(second.engine.attachments.at(-1)).toMatchObject({ ipv4: one?.ipv4, dtls: one?.dtls });
    expect(second.engine.detached).toEqual([]);
  });

  test('that the engine ended while the gateway was dead get exactly one log line', async () => {
    const first = await start();
    const cookie = await signIn(first.connect());
    await openTunnel(first, cookie);
    const session = cookie.slice(0, 16);
    const ended = {
      type: 'ended',
      session,
      reason: 'clientDisconnect',
      at: first.now(),
      counters: { bytesIn: 5, bytesOut: 6, packetsIn: 1, packetsOut: 1 },
    } as const;
    first.engine.attached.clear();
    for (let restart = 0; restart < 3; restart += 1) {
      const next = await start({}, { directory: first.directory, engine: first.engine, ready: false });
      next.service.onEngineEvent(ended);
      await next.service.onEngineReady();
    }
    expect(first.log().filter(({ event }) => event === 'end')).toMatchObject([
      { session, reason: 'clientDisconnect', bytesIn: 5, bytesOut: 6, user: 'alice' },
    ]);
    expect(first.engine.acknowledged).toEqual([session, session, session]);
  });

  test('whose log line was written just before the gateway died get no second one', async () => {
    const first = await start();
    const cookie = await signIn(first.connect());
    await openTunnel(first, cookie);
    const session = cookie.slice(0, 16);
    const path = join(first.directory, 'log', 'access.jsonl');
    appendFileSync(path, `${JSON.stringify({ event: 'end', session })}\n`);
    first.engine.attached.clear();
    const next = await start({}, { directory: first.directory, engine: first.engine, ready: false });
    const counters = { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 };
    next.service.onEngineEvent({ type: 'ended', session, reason: 'idleTimeout', at: 0, counters });
    expect(next.log().filter(({ event }) => event === 'end')).toHaveLength(1);
    expect(first.engine.acknowledged).toEqual([session]);
    expect((await next.connect().request(connectRequest(cookie))).status).toBe(401);
  });

  test('that the engine lost wait for their device and end after the roaming time', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    await openTunnel(service, cookie);
    service.engine.attached.clear();
    await service.service.onEngineReady();
    expect(await service.service.sessions()).toMatchObject([{ state: 'away', channel: 'none' }]);
    service.advance(601_000);
    await until(() => service.log().at(-1)?.event === 'end');
    expect(service.log().at(-1)).toMatchObject({ reason: 'roamingTimeout' });
    expect((await service.connect().request(connectRequest(cookie))).status).toBe(401);
  });

  test('that never connect end after five minutes and free their address', async () => {
    const service = await start({ server: { network: '10.70.0.0/30' } });
    await signIn(service.connect(), 'alice');
    service.advance(301_000);
    await until(() => service.log().at(-1)?.event === 'end');
    expect(service.log().at(-1)).toMatchObject({ reason: 'neverConnected' });
    expect(await signIn(service.connect(), 'bob')).not.toBe('');
  });

  test('that only the engine knows are detached', async () => {
    const engine = new RecordingEngine();
    await engine.attach({ session: 'aa'.repeat(8), ipv4: '10.70.0.9' } as never);
    await start({}, { engine });
    expect(engine.detached).toMatchObject([{ session: 'aa'.repeat(8) }]);
  });

  test('are listed and disconnected by an administrator', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    await openTunnel(service, cookie);
    const session = cookie.slice(0, 16);
    expect(await service.service.sessions()).toMatchObject([
      {
        id: session,
        user: 'alice',
        state: 'connected',
        channel: 'tls',
        ipv4: '10.70.0.2',
        hostname: 'vm',
        bytesIn: 100,
      },
    ]);
    expect(await service.service.disconnect({ user: 'alice' }, 'Maintenance at noon')).toBe(1);
    expect(service.engine.detached).toEqual([{ session, message: 'Maintenance at noon' }]);
    expect((await service.connect().request(connectRequest(cookie))).status).toBe(401);
  });

  test('whose addresses are not theirs any more take none away from others', async () => {
    const server = { network: '10.70.0.0/29' };
    const first = await start({ server });
    await openTunnel(first, await signIn(first.connect(), 'alice'));
    const alice = first.engine.attachments[0];
    // Another IPv6 network leaves alice without her pair of addresses; bob gets the same IPv4 one.
    const second = await start(
      { server: { ...server, ipv6Network: 'fd71::/112' } },
      { directory: first.directory, engine: first.engine, now: first.now() },
    );
    const bob = await signIn(second.connect(), 'bob');
    const counters = { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0 };
    const session = alice?.session ?? '';
    second.service.onEngineEvent({ type: 'ended', session, reason: 'detached', at: second.now(), counters });
    const free = second.service.counters().addressesFree;
    await openTunnel(second, bob);
    expect(second.engine.attachments.at(-1)?.ipv4).toBe(alice?.ipv4);
    expect(free).toBe(4);
  });

  test('end when the network of the configuration changes', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    const { testConfiguration } = await import('./service-testing.ts');
    service.service.reconfigure(testConfiguration({ server: { network: '10.71.0.0/24' } }));
    expect((await service.connect().request(connectRequest(cookie))).status).toBe(401);
    expect(service.log().at(-1)).toMatchObject({ event: 'end', reason: 'networkChanged' });
  });
});

describe('CONNECT', () => {
  test('also works without the leading slash', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    service.connect().write(connectRequest(cookie, '', 'CSCOSSLC/tunnel'));
    await until(() => service.engine.attachments.length === 1);
    expect(service.engine.attachments[0]?.dtls).toBeUndefined();
  });

  test('cookie-missing, cookie-forged and cookie-oversized get 401', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    const forged = cookie.slice(0, -1) + (cookie.endsWith('0') ? '1' : '0');
    for (const bad of [
      undefined,
      '',
      forged,
      `${cookie}00`,
      'f'.repeat(8000),
      cookie.toUpperCase().replace(/\d/g, 'F'),
    ]) {
      expect((await service.connect().request(connectRequest(bad))).status).toBe(401);
    }
    expect(service.engine.attachments).toHaveLength(0);
  });

  test('cookie-expired gets 401, and reconnecting does not prolong a session', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    await openTunnel(service, cookie);
    service.advance(3_599_000);
    await openTunnel(service, cookie);
    expect(service.engine.response).toMatch(
      /X-CSTP-Session-Timeout: 3600\r\nX-CSTP-Session-Timeout-Remaining: 1\r\n/,
    );
    service.advance(1000);
    expect((await service.connect().request(connectRequest(cookie))).status).toBe(401);
  });

  test('gets 503 with a reason while the engine is away', async () => {
    const service = await start();
    const cookie = await signIn(service.connect());
    service.engine.away = true;
    const answer = await service.connect().request(connectRequest(cookie));
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatch(/^X-Reason: .+/m);
  });

  test.each([
    {
      failure: new EngineError('the engine did not answer'),
      detached: 1,
      what: 'takes it back when it may be open',
    },
    {
      failure: new EngineRefusal('no'),
      detached: 0,
      what: 'leaves earlier ones alone when the engine refused it',
    },
  ])('that fails gets 503 and $what', async ({ failure, detached }) => {
    const service = await start();
    const cookie = await signIn(service.connect());
    service.engine.attachFailure = failure;
    expect((await service.connect().request(connectRequest(cookie))).status).toBe(503);
    expect(service.engine.detached).toHaveLength(detached);
  });

  test('waits for the engine after a start', async () => {
    const first = await start();
    const cookie = await signIn(first.connect());
    const second = await start({}, { directory: first.directory, now: first.now(), ready: false });
    second.connect().write(connectRequest(cookie));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(second.engine.attachments).toHaveLength(0);
    await second.service.onEngineReady();
    await until(() => second.engine.attachments.length === 1);
  });

  test('to another path is not found', async () => {
    const service = await start();
    expect((await service.connect().request(connectRequest(undefined, '', 'example.com:443'))).status).toBe(
      404,
    );
  });
});

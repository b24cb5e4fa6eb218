import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AttachedSession,
  type StandaloneConfiguration,
  standaloneConfigurationSchema,
  tunnelSettings,
} from '@culvert/contracts';
import pino from 'pino';
import type { LoadedConfiguration } from './configuration/loaded-configuration.ts';
import { type Attachment, type Engine, EngineError } from './engine/engine.ts';
import { RelayedConnection, type RelayedDevice } from './http/relay-testing.ts';
import { createTunnelService, type TunnelService } from './service.ts';

/** Records what the gateway tells the engine; the real engine is exercised in the lab. */
export class RecordingEngine implements Engine {
  attachments: Attachment[] = [];
  detached: { session: string; message: string }[] = [];
  acknowledged: string[] = [];
  attached = new Map<string, AttachedSession>();
  away = false;
  /** What the next attach answers instead of opening the tunnel. */
  attachFailure: Error | undefined;

  async configure(): Promise<void> {}

  async attach(attachment: Attachment): Promise<void> {
    this.#present();
    if (this.attachFailure !== undefined) throw this.attachFailure;
    this.attachments.push(attachment);
    this.attached.set(attachment.session, {
      session: attachment.session,
      ipv4: attachment.ipv4,
      ...(attachment.ipv6 === undefined ? {} : { ipv6: attachment.ipv6 }),
      channel: 'tls',
      tlsVersion: 'TLSv1.3',
      attachedAt: 0,
      lastActivityAt: 0,
      counters: { bytesIn: 100, bytesOut: 200, packetsIn: 1, packetsOut: 2 },
    });
  }

  async detach(session: string, message: string): Promise<void> {
    this.#present();
    this.detached.push({ session, message });
    this.attached.delete(session);
  }

  async list(): Promise<AttachedSession[]> {
    this.#present();
    return [...this.attached.values()];
  }

  async status(): Promise<Record<string, number>> {
    return {};
  }

  async acknowledge(session: string): Promise<void> {
    this.acknowledged.push(session);
  }

  #present(): void {
    if (this.away) throw new EngineError('the engine is away');
  }

  /** The answer to CONNECT of the latest attachment. */
  get response(): string {
    return Buffer.from(this.attachments.at(-1)?.response ?? '', 'base64').toString('utf8');
  }
}

export type ConfigurationChanges = {
  standalone?: Record<string, unknown>;
  server?: Record<string, unknown>;
} & Partial<Pick<LoadedConfiguration, 'passwords' | 'clientCertificates'>>;

/** A configuration with one account, alice, whose password is "correct horse". */
export function testConfiguration(changes: ConfigurationChanges = {}): LoadedConfiguration {
  const standalone: StandaloneConfiguration = standaloneConfigurationSchema.parse({
    publicAddress: 'vpn.example.com',
    serverConfiguration: {
      displayName: 'test',
      network: '10.70.0.0/24',
      ipv6Network: 'fd70::/112',
      dnsServers: ['10.70.0.53'],
      ...changes.server,
    },
    tls: { certificateFile: 'site.crt', privateKeyFile: 'site.key' },
    authentication: [{ kind: 'passwordFile', file: 'accounts' }],
    stateDirectory: '/nowhere',
    ...changes.standalone,
  });
  return {
    file: '/nowhere/gateway.json',
    standalone,
    settings: tunnelSettings(standalone.serverConfiguration),
    certificate: { certificates: [Buffer.from('leaf')], privateKey: Buffer.from('key') },
    passwords: changes.passwords ?? {
      verify: async (_name, password) => (password === 'correct horse' ? 'accepted' : 'refused'),
    },
    ...(changes.clientCertificates === undefined ? {} : { clientCertificates: changes.clientCertificates }),
  };
}

export interface TestService {
  service: TunnelService;
  engine: RecordingEngine;
  directory: string;
  path: string;
  /** Moves the service's clock. */
  advance(milliseconds: number): void;
  now(): number;
  connect(device?: RelayedDevice): RelayedConnection;
  log(): Record<string, unknown>[];
  close(): Promise<void>;
}

/** The real service on its unix socket, with a recording engine and a clock of its own. */
export async function startService(
  changes: ConfigurationChanges = {},
  kept: { directory?: string; engine?: RecordingEngine; now?: number; ready?: boolean } = {},
): Promise<TestService> {
  const directory = kept.directory ?? mkdtempSync(join(tmpdir(), 'culvert-'));
  const engine = kept.engine ?? new RecordingEngine();
  let time = kept.now ?? Date.UTC(2026, 10, 23);
  const service = await createTunnelService({
    configuration: testConfiguration(changes),
    engine,
    stateDirectory: directory,
    logger: pino({ level: 'silent' }),
    clock: () => time,
  });
  const path = join(directory, 'gateway.sock');
  await service.listen(path);
  if (kept.ready ?? true) await service.onEngineReady();
  const open: RelayedConnection[] = [];
  return {
    service,
    engine,
    directory,
    path,
    advance: (milliseconds) => {
      time += milliseconds;
    },
    now: () => time,
    connect: (device) => {
      const connection = new RelayedConnection(path, device);
      open.push(connection);
      return connection;
    },
    log: () =>
      readFileSync(join(directory, 'log', 'access.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    close: async () => {
      for (const connection of open) connection.end();
      await service.close();
    },
  };
}

const clientHeaders = `Host: vpn.example.com\r
User-Agent: AnyConnect-compatible OpenConnect VPN Agent v9.21-unknown\r
Accept: */*\r
Accept-Encoding: identity\r
X-Transcend-Version: 1\r
X-Aggregate-Auth: 1\r
X-Support-HTTP-Auth: true\r
`;

/** A POST as openconnect 9.21 sends it (capture 01). */
export function post(body: string | Buffer, { path = '/', headers = clientHeaders } = {}): Buffer {
  const bytes = Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\n${headers}Content-Type: application/xml; charset=utf-8\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
}

const capabilities =
  '<capabilities><auth-method>single-sign-on-v2</auth-method><auth-method>single-sign-on-external-browser</auth-method></capabilities>';

export const initBody = (device = '<device-id>linux-64</device-id>') =>
  `<?xml version="1.0" encoding="UTF-8"?>
<config-auth client="vpn" type="init" aggregate-auth-version="2"><version who="vpn">v9.21-unknown</version>${device}${capabilities}<group-access>https://vpn.example.com/</group-access></config-auth>`;

export const replyBody = (
  opaque: string,
  username: string,
  password: string,
  device = '<device-id>linux-64</device-id>',
) =>
  `<?xml version="1.0" encoding="UTF-8"?>
<config-auth client="vpn" type="auth-reply" aggregate-auth-version="2"><version who="vpn">v9.21-unknown</version>${device}${capabilities}${opaque}<auth><username>${username}</username><password>${password}</password></auth></config-auth>`;

/** The `<opaque>` element of a form, as a client echoes it. */
export const opaqueOf = (body: string) => /<opaque.*<\/opaque>/.exec(body)?.[0] ?? '';

export const cookieOf = (body: string) => /<session-token>([^<]*)</.exec(body)?.[1] ?? '';

/** init and auth-reply; returns the cookie. */
export async function signIn(
  connection: RelayedConnection,
  user = 'alice',
  device?: string,
): Promise<string> {
  const form = await connection.request(post(initBody(device)));
  const done = await connection.request(
    post(replyBody(opaqueOf(form.body), user, 'correct horse', device), { path: '/auth' }),
  );
  return cookieOf(done.body);
}

export const dtlsOffer = `X-DTLS-Master-Secret: ${'0a'.repeat(48)}\r
X-DTLS-CipherSuite: PSK-NEGOTIATE:OC-DTLS1_2-AES256-GCM:OC2-DTLS1_2-CHACHA20-POLY1305:OC-DTLS1_2-AES128-GCM:DHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:AES256-SHA:AES128-SHA\r
X-DTLS12-CipherSuite: ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-GCM-SHA256\r
X-DTLS-Accept-Encoding: oc-lz4,lzs\r
`;

/** CONNECT as in capture 02. */
export function connectRequest(
  cookie: string | undefined,
  extra = dtlsOffer,
  path = '/CSCOSSLC/tunnel',
): string {
  return `CONNECT ${path} HTTP/1.1\r
Host: 10.77.0.1\r
User-Agent: AnyConnect-compatible OpenConnect VPN Agent v9.21-unknown\r
${cookie === undefined ? '' : `Cookie: webvpn=${cookie}\r\n`}X-CSTP-Version: 1\r
X-CSTP-Hostname: vm\r
X-CSTP-Protocol: Copyright (c) 2004 Cisco Systems, Inc.\r
X-CSTP-Accept-Encoding: oc-lz4,lzs\r
X-CSTP-Base-MTU: 1500\r
X-CSTP-MTU: 1390\r
X-CSTP-Address-Type: IPv6,IPv4\r
X-CSTP-Full-IPv6-Capability: true\r
${extra}\r
`;
}

/** Waits until something becomes true. */
export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('waited in vain');
}

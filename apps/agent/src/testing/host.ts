import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { ensureOwnCertificate } from '@culvert/certificates/self-signed.ts';
import { type HostPaths, hostPaths } from '../host-paths.ts';

/** What the gateway of a test host does with its file. */
export interface GatewayBehaviour {
  reload: (document: Record<string, unknown>) => {
    applied: boolean;
    needsRestart?: boolean;
    problems: { path: string; message: string }[];
  };
  /** Whether a gateway that starts with the file is well. */
  startsWith: (document: Record<string, unknown>) => boolean;
}

/**
 * A host in a directory: a gateway that answers on its socket and on its port, and a monitor that restarts it. They are
 * small servers in this process, real on the wire.
 */
export class TestHost {
  readonly paths: HostPaths;
  readonly disconnected: unknown[] = [];
  readonly monitorCalls: { path: string; body: unknown }[] = [];
  readonly behaviour: GatewayBehaviour;
  sessions = { connected: 2, away: 1, capacity: 64_000 };
  version = '1.0.0';
  /** A restart waits for this. */
  beforeRestart = async (): Promise<void> => {};
  /** What the gateway runs with. */
  inUse: Record<string, unknown> = {};
  reloads = 0;
  #startedAt = 0;
  #admin: Server | undefined;
  #monitor: Server | undefined;
  readonly #device: TlsServer;
  #isWell = true;

  private constructor(paths: HostPaths, device: TlsServer, behaviour: Partial<GatewayBehaviour>) {
    this.paths = paths;
    this.#device = device;
    this.behaviour = {
      reload: () => ({ applied: true, problems: [] }),
      startsWith: () => true,
      ...behaviour,
    };
  }

  static async make(behaviour: Partial<GatewayBehaviour> = {}): Promise<TestHost> {
    const paths = hostPaths(await mkdtemp(join(tmpdir(), 'culvert-agent-')));
    await mkdir(join(paths.directory, 'run'));
    await mkdir(paths.agentDirectory, { mode: 0o700 });
    const host = new TestHost(paths, await listenForDevices(paths.directory), behaviour);
    await writeFile(paths.gatewayFile, JSON.stringify(host.document()));
    return host;
  }

  document(further: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      publicAddress: 'vpn.example.com',
      serverConfiguration: {
        displayName: 'lab',
        network: '10.70.0.0/16',
        dnsServers: ['10.60.0.53'],
        listenPort: this.port,
      },
      tls: { certificateFile: 'certs/site.crt', privateKeyFile: 'certs/site.key' },
      authentication: [{ kind: 'passwordFile', file: 'users' }],
      stateDirectory: '.',
      ...further,
    };
  }

  get port(): number {
    return (this.#device.address() as AddressInfo).port;
  }

  async file(): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(this.paths.gatewayFile, 'utf8'));
  }

  async startGateway(): Promise<void> {
    this.inUse = await this.file();
    this.#isWell = this.behaviour.startsWith(this.inUse);
    this.#startedAt = Date.now() + 1;
    this.#admin ??= await serve(this.paths.adminSocket, (path, body) => this.#answerAdmin(path, body));
  }

  async stopGateway(): Promise<void> {
    await close(this.#admin);
    this.#admin = undefined;
  }

  async startMonitor(): Promise<void> {
    this.#monitor = await serve(this.paths.monitorSocket, async (path, body) => {
      if (path === '/status')
        return { version: this.version, available: [this.version], processes: processes() };
      this.monitorCalls.push({ path, body });
      if (path === '/restart') {
        await this.beforeRestart();
        await this.startGateway();
      }
      return {};
    });
  }

  async remove(): Promise<void> {
    await close(this.#admin);
    await close(this.#monitor);
    await new Promise((resolve) => this.#device.close(resolve));
    await rm(this.paths.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #answerAdmin(path: string, body: unknown): Promise<unknown> {
    if (path === '/disconnect') {
      this.disconnected.push(body);
      return { disconnected: 1 };
    }
    if (path === '/reload') {
      this.reloads += 1;
      const document = await this.file();
      const answer = this.behaviour.reload(document);
      if (answer.applied) this.inUse = document;
      return { needsRestart: false, ...answer, warnings: [] };
    }
    return {
      version: '1.0.0',
      startedAt: this.#startedAt,
      listenPort: this.port,
      engine: { connected: this.#isWell, version: '1.0.0' },
      sessions: this.sessions,
    };
  }
}

async function listenForDevices(directory: string): Promise<TlsServer> {
  const certificates = join(directory, 'certs');
  await ensureOwnCertificate(certificates, 'vpn.example.com', new Date());
  const server = createTlsServer(
    {
      cert: await readFile(join(certificates, 'site.crt')),
      key: await readFile(join(certificates, 'site.key')),
    },
    (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function processes() {
  const running = { state: 'running', endings: 0 };
  return { server: running, agent: running };
}

async function serve(
  socketPath: string,
  answer: (path: string, body: unknown) => Promise<unknown>,
): Promise<Server> {
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString('utf8');
    const body = await answer(request.url ?? '', text === '' ? undefined : JSON.parse(text));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return server;
}

function close(server: Server | undefined): Promise<void> {
  server?.closeAllConnections();
  return new Promise((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Namespace } from '../network/namespace.ts';
import { Authority } from '../server/certificates.ts';
import type { Background } from '../system/background.ts';
import { execute } from '../system/command.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import { agentPort, apiPort } from './control-plane-host.ts';
import { controlPlaneAddress, controlPlaneName, proxyAddress, proxyName } from './fleet-network.ts';

const squidPort = 3128;

/** Squid between servers and control plane. It lets through connections to the control plane and nothing else. */
export class Squid {
  static readonly url = `http://${proxyName}:${squidPort}`;
  readonly #process: Background;
  readonly #accessLog: string;

  private constructor(process: Background, accessLog: string) {
    this.#process = process;
    this.#accessLog = accessLog;
  }

  static async start(host: Namespace, options: { asksForPassword: boolean }): Promise<Squid> {
    const directory = makeDirectory('squid');
    // Squid gives up root and writes as this user.
    await execute(['chown', 'proxy:proxy', directory]);
    const file = join(directory, 'squid.conf');
    const accessLog = join(directory, 'access.log');
    const users = join(directory, 'users');
    writeFileSync(users, '');
    const authentication = [
      `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${users}`,
      'auth_param basic realm lab',
      'acl known proxy_auth REQUIRED',
      'http_access deny !known',
    ];
    writeFileSync(
      file,
      [
        `http_port ${proxyAddress}:${squidPort}`,
        `pid_filename ${join(directory, 'squid.pid')}`,
        `access_log stdio:${accessLog}`,
        `cache_log ${join(directory, 'cache.log')}`,
        `coredump_dir ${directory}`,
        `visible_hostname ${proxyName}`,
        'cache deny all',
        'shutdown_lifetime 1 second',
        `acl agents dstdomain ${controlPlaneName}`,
        `acl listener port ${agentPort} ${apiPort}`,
        ...(options.asksForPassword ? authentication : []),
        'http_access allow CONNECT agents listener',
        'http_access deny all',
        '',
      ].join('\n'),
    );
    const started = host.start(['squid', '-N', '-f', file]);
    await waitForPort(host, proxyAddress, squidPort, started);
    return new Squid(started, accessLog);
  }

  /** File of one line for each request that it has had. */
  get accessLog(): string {
    return this.#accessLog;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

/** A device that breaks TLS open and answers with a certificate of its own authority, on the address of the control plane. */
export class TlsInspection {
  static readonly issuer = 'Inspection of Example Corp';
  static readonly address = proxyAddress;
  readonly #process: Background;

  private constructor(process: Background) {
    this.#process = process;
  }

  /** Listens where agents would connect, on the proxy host; a server comes here once its hosts file says so. */
  static async start(host: Namespace): Promise<TlsInspection> {
    const directory = makeDirectory('inspection');
    mkdirSync(directory, { recursive: true });
    const authority = await Authority.create(TlsInspection.issuer);
    const issued = await authority.issue({
      commonName: controlPlaneName,
      subjectAlternativeNames: [`DNS:${controlPlaneName}`],
    });
    const certificate = join(directory, 'haproxy.pem');
    await execute(['sh', '-c', `cat ${issued.chainFile} ${issued.privateKeyFile} > ${certificate}`]);
    const file = join(directory, 'haproxy.cfg');
    writeFileSync(
      file,
      [
        'defaults',
        '  mode tcp',
        '  timeout connect 2s',
        '  timeout client 60s',
        '  timeout server 60s',
        'listen inspection',
        `  bind ${proxyAddress}:${agentPort} ssl crt ${certificate}`,
        `  server control ${controlPlaneAddress}:${agentPort} ssl verify none`,
        'listen inspection-of-people',
        `  bind ${proxyAddress}:${apiPort} ssl crt ${certificate}`,
        `  server control ${controlPlaneAddress}:${apiPort} ssl verify none`,
        '',
      ].join('\n'),
    );
    const started = host.start(['haproxy', '-db', '-f', file]);
    await waitForPort(host, proxyAddress, agentPort, started);
    return new TlsInspection(started);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

async function waitForPort(
  host: Namespace,
  address: string,
  port: number,
  process: Background,
): Promise<void> {
  await eventually(`${address}:${port} listens`, async () => {
    if (!process.running) throw new Error(process.output);
    const { stdout } = await host.run(['ss', '-Hltn', `sport = :${port}`]);
    return stdout.includes(address);
  });
}

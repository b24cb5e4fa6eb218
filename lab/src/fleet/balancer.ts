import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gatewayAddress } from '../network/network.ts';
import type { Background } from '../system/background.ts';
import { makeDirectory } from '../system/run.ts';
import { eventually } from '../system/wait.ts';
import type { FleetNetwork } from './fleet-network.ts';

/** `yes` in the status of HAProxy is spelled so (`show stat` of its socket). */
const healthy = /^UP/;

/**
 * HAProxy in front of the gateways: TCP with affinity to the device's address, and a PROXY protocol header, so that a gateway
 * knows its devices. UDP cannot pass it; clients stay on TLS.
 */
export class Balancer {
  readonly #socket: string;
  readonly #process: Background;

  private constructor(socket: string, process: Background) {
    this.#socket = socket;
    this.#process = process;
  }

  static async start({ balancer, servers }: FleetNetwork): Promise<Balancer> {
    const directory = makeDirectory('balancer');
    const socket = join(directory, 'status.sock');
    const file = join(directory, 'haproxy.cfg');
    writeFileSync(
      file,
      [
        'global',
        `  stats socket ${socket} mode 600 level admin`,
        'defaults',
        '  mode tcp',
        '  timeout connect 2s',
        // As long as a tunnel may be silent: twice the dead peer detection of the gateway.
        '  timeout client 60s',
        '  timeout server 60s',
        '  timeout tunnel 1h',
        '  retries 3',
        '  option redispatch',
        'frontend public',
        `  bind ${gatewayAddress}:443`,
        '  default_backend gateways',
        'backend gateways',
        '  balance roundrobin',
        '  stick-table type ip size 10k expire 1h',
        '  stick on src',
        ...servers.map(
          ({ name, publicAddress }) =>
            `  server ${name} ${publicAddress}:443 send-proxy-v2 check inter 500ms fall 3 rise 1 on-marked-down shutdown-sessions`,
        ),
        '',
      ].join('\n'),
    );
    const process = balancer.start(['haproxy', '-db', '-f', file]);
    const started = new Balancer(socket, process);
    await eventually('the balancer answers', async () => (await started.#status()).size > 0);
    return started;
  }

  get output(): string {
    return this.#process.output;
  }

  /** Waits until exactly these servers get new connections. */
  async serves(names: readonly string[], timeoutMilliseconds = 30_000): Promise<void> {
    const expected = [...names].sort().join();
    await eventually(
      `the balancer sends devices to ${expected || 'nobody'}`,
      async () => {
        const up = [...(await this.#status())].filter(([, status]) => healthy.test(status));
        return (
          up
            .map(([name]) => name)
            .sort()
            .join() === expected
        );
      },
      timeoutMilliseconds,
    );
  }

  /** State of each server by its name, as HAProxy sees it. */
  async #status(): Promise<Map<string, string>> {
    const table = await askSocket(this.#socket, 'show stat -1 4 -1');
    const [head = '', ...lines] = table.trim().split('\n');
    const columns = head.replace(/^# /, '').split(',');
    const [name, status] = [columns.indexOf('svname'), columns.indexOf('status')];
    return new Map(
      lines.map((line) => line.split(',')).map((cells) => [cells[name] ?? '', cells[status] ?? '']),
    );
  }
}

/** One question to HAProxy's socket; it closes the connection behind the answer. */
async function askSocket(path: string, question: string): Promise<string> {
  const socket = connect(path).setEncoding('utf8');
  socket.end(`${question}\n`);
  let answer = '';
  for await (const piece of socket) answer += piece;
  return answer;
}

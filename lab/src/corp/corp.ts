import { fileURLToPath } from 'node:url';
import type { Namespace } from '../network/namespace.ts';
import { corpAddress, corpAddress6, corpDnsAddress } from '../network/network.ts';
import type { Background } from '../system/background.ts';
import { intranetName } from './intranet.ts';

/** Ports on which an iperf3 server waits; each serves one measurement at a time. */
export const iperfPorts = [5201, 5202] as const;

/** The services of the corporate network, all in one namespace. */
export class Corp {
  readonly namespace: Namespace;
  /** Its output has one line for each question that reached the name server. */
  readonly dns: Background;

  private constructor(namespace: Namespace, dns: Background) {
    this.namespace = namespace;
    this.dns = dns;
  }

  /** `names` are further ones that its name server knows, with their addresses. */
  static async start(namespace: Namespace, names: Readonly<Record<string, string>> = {}): Promise<Corp> {
    const host = namespace.start([process.execPath, fileURLToPath(new URL('host.ts', import.meta.url))]);
    const dns = namespace.start([
      'dnsmasq',
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root'],
      ...['--pid-file', '--log-facility=-', '--log-queries', '--bind-interfaces'],
      `--listen-address=${corpDnsAddress}`,
      `--address=/${intranetName}/${corpAddress}`,
      `--address=/${intranetName}/${corpAddress6}`,
      ...Object.entries(names).map(([name, address]) => `--address=/${name}/${address}`),
    ]);
    for (const port of iperfPorts) {
      const iperf = namespace.start(['iperf3', '--server', '--forceflush', '--port', String(port)]);
      await iperf.waitFor(/Server listening/, 5_000);
    }
    await host.waitFor(/web ready/, 10_000);
    await host.waitFor(/echo ready/, 10_000);
    await dns.waitFor(/started, version/, 5_000);
    return new Corp(namespace, dns);
  }
}

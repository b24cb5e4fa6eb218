import { appendFileSync } from 'node:fs';
import { ControlPlaneHost, type Entry } from '../fleet/control-plane-host.ts';
import { createSite, graph } from '../fleet/create-site.ts';
import { controlPlaneAddress, controlPlaneName } from '../fleet/fleet-network.ts';
import { Namespace } from '../network/namespace.ts';

/** The server's own address on the way to the control plane. */
const serverAddress = '10.80.0.101';

/** A control plane with one site on a host of its own, with a cable to the server. */
export class Management {
  readonly namespace: Namespace;
  readonly controlPlane: ControlPlaneHost;
  readonly siteId: string;

  private constructor(namespace: Namespace, controlPlane: ControlPlaneHost, siteId: string) {
    this.namespace = namespace;
    this.controlPlane = controlPlane;
    this.siteId = siteId;
  }

  static async start(server: Namespace): Promise<Management> {
    const namespace = new Namespace('control');
    await namespace.ip(`link add e0 type veth peer name m0 netns ${server.name}`);
    await namespace.ip(`addr add ${controlPlaneAddress}/24 dev e0`);
    await namespace.ip('link set e0 up');
    await server.ip(`addr add ${serverAddress}/24 dev m0`);
    await server.ip('link set m0 up');
    appendFileSync(namespace.hosts, `127.0.0.1 ${controlPlaneName}\n`);
    appendFileSync(server.hosts, `${controlPlaneAddress} ${controlPlaneName}\n`);
    const controlPlane = new ControlPlaneHost(namespace);
    await controlPlane.start();
    const { siteId } = await createSite(controlPlane);
    return new Management(namespace, controlPlane, siteId);
  }

  /** Text of a join token for the site. */
  async createJoinToken(): Promise<string> {
    const { joinToken } = await this.controlPlane.ask('POST', '/api/v1/joinTokens', { siteId: this.siteId });
    return String(joinToken);
  }

  /** The records of the servers of the site. */
  async serverRecords(): Promise<Entry[]> {
    const path = `${graph}/microsoftTunnelSites/${this.siteId}/microsoftTunnelServers`;
    const { value } = await this.controlPlane.ask('GET', path);
    return value as Entry[];
  }

  async remove(): Promise<void> {
    await this.controlPlane.stop();
    await this.namespace.remove();
  }
}

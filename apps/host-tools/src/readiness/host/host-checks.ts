import type { Check } from '../../checks/check.ts';
import { architectureCheck } from './architecture.ts';
import { auditCheck } from './audit.ts';
import { bridgeNetworksCheck } from './bridge-networks.ts';
import { clockCheck } from './clock.ts';
import { containerEngineCheck } from './container-engine.ts';
import { distributionCheck, distributionOf, usesDnf } from './distribution.ts';
import { firewallCheck } from './firewall/check.ts';
import { hostSizeChecks } from './host-size.ts';
import type { HostView } from './host-view.ts';
import { ipForwardingChecks } from './ip-forwarding.ts';
import { kernelModuleChecks } from './kernel-modules.ts';
import { networkInterfacesCheck } from './network-interfaces.ts';
import { rootlessChecks } from './rootless.ts';
import { selinuxChecks } from './selinux.ts';
import { takenPortsCheck } from './taken-ports.ts';
import { userNamespacesCheck } from './user-namespaces.ts';

/** What the host is to be judged for. */
export type HostQuestion = Readonly<{
  /** Devices of the site that the server will belong to. */
  devices: number;
  /** Pools of addresses of devices, CIDR. */
  pools: readonly string[];
  port: number;
  isRootless: boolean;
  now: Date;
  environment: NodeJS.ProcessEnv;
}>;

/** Every check of `mst-readiness utils`, in the order in which they are told. */
export function hostChecks(view: HostView, question: HostQuestion): Check[] {
  const { devices, pools, port, isRootless, now, environment } = question;
  return [
    architectureCheck(view),
    distributionCheck(view, now),
    containerEngineCheck(view),
    userNamespacesCheck(view),
    ...(isRootless ? rootlessChecks(view, port) : []),
    ...kernelModuleChecks(view),
    ...ipForwardingChecks(view),
    auditCheck(view),
    ...selinuxChecks(view, environment, async () => usesDnf(await distributionOf(view))),
    ...hostSizeChecks(view, devices),
    bridgeNetworksCheck(view, pools),
    networkInterfacesCheck(view),
    firewallCheck(view, port, isRootless),
    clockCheck(view),
    takenPortsCheck(view, port),
  ];
}

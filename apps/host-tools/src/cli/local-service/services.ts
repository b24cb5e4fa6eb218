import type { HostLayout } from '../../host-layout/host-layout.ts';
import type { LocalService } from './local-service.ts';

/** The gateway of a server. */
export function gatewayService({ adminSocket }: HostLayout): LocalService {
  return { name: { en: 'gateway', ja: 'ゲートウェイ' }, socket: adminSocket, start: 'mst-cli server start' };
}

/** The agent of a server. */
export function agentService({ agentSocket }: HostLayout): LocalService {
  return { name: { en: 'agent', ja: 'エージェント' }, socket: agentSocket, start: 'mst-cli agent start' };
}

/** The monitor of a server. */
export function monitorService({ monitor }: HostLayout): LocalService {
  return {
    name: { en: 'monitor', ja: 'モニター' },
    socket: monitor.socket,
    start: 'systemctl start mstunnel_monitor',
  };
}

import { StartError } from './gateway.ts';
import type { TunnelService } from './service.ts';

/** The place of the protocol half until it is merged. */
export function createTunnelService(): Promise<TunnelService> {
  return Promise.reject(new StartError('this build has no protocol half yet'));
}

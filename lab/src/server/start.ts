import type { Network } from '../network/network.ts';
import { Authority } from './certificates.ts';
import { Culvert } from './culvert.ts';
import { Ocserv } from './ocserv.ts';
import { type Server, type ServerKind, type ServerSettings, serverSettings } from './server.ts';

/** Starts the product or its peer in the gateway namespace of a network. */
export async function startServer(
  kind: ServerKind,
  network: Network,
  changes: Partial<ServerSettings> = {},
  authority?: Authority,
): Promise<Server> {
  const signer = authority ?? (await Authority.create());
  const place = { network, authority: signer, certificate: await signer.issueSite() };
  const settings = serverSettings(changes);
  return kind === 'culvert' ? await Culvert.start(place, settings) : await Ocserv.start(place, settings);
}

import { readFile } from 'node:fs/promises';
import type { GatewayClient } from './gateway-client.ts';
import type { Before } from './host-upgrade.ts';
import { publicSideProblem } from './public-side.ts';

/** What is wrong with the gateway at this moment, as a sentence; undefined when it serves devices. */
export async function lookAtGateway(
  gateway: GatewayClient,
  configurationFile: string,
): Promise<string | undefined> {
  const status = await gateway.status().catch((error: Error) => error);
  if (status instanceof Error) return `the gateway does not answer at its socket: ${status.message}`;
  if (!status.engine.connected) return 'the gateway has no engine; log/engine.log tells why';
  try {
    return await publicSideProblem(JSON.parse(await readFile(configurationFile, 'utf8')));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * What was lost in a hand over; to be asked once, as soon as the gateway is well, because devices come and go. Less than half
 * is no loss: devices sign out.
 */
export async function lostSessions(gateway: GatewayClient, before: Before): Promise<string | undefined> {
  const { engine } = await gateway.status();
  // Tunnels end with their engine; that their devices come back is up to them.
  if (before.engineProcessId === undefined || engine.processId !== before.engineProcessId) return undefined;
  const connected = new Set(await gateway.connectedSessions());
  const lost = before.sessions.filter((session) => !connected.has(session)).length;
  if (lost * 2 <= before.sessions.length) return undefined;
  return `${lost} of ${before.sessions.length} tunnels were lost when the gateway was changed`;
}

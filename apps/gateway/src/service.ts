import type { BanView, SessionView } from '@culvert/contracts';
import type { Logger } from 'pino';
import type { LoadedConfiguration } from './configuration/loaded-configuration.ts';
import type { Engine, SessionEvent } from './engine/engine.ts';

/** The protocol half of the gateway: HTTP, sign-in and sessions. */
export interface TunnelService {
  /** Serves HTTP on the unix socket that the engine relays new connections to. */
  listen(relaySocketPath: string): Promise<void>;
  /** Called after each connection to a configured engine: brings the sessions in line with the engine's. */
  onEngineReady(): Promise<void>;
  onEngineEvent(event: SessionEvent): void;
  /** Takes over a reloaded configuration. */
  reconfigure(configuration: LoadedConfiguration): void;
  /** Every session, with the engine's counters. */
  sessions(): Promise<SessionView[]>;
  /** Ends sessions; resolves to how many there were. `message` is shown to the user. */
  disconnect(selector: { session: string } | { user: string }, message: string): Promise<number>;
  bans(): BanView[];
  /** Lifts bans; returns how many. */
  unban(address: string | 'all'): number;
  counters(): Record<string, number>;
  /** Stops serving; the sessions stay on disk. */
  close(): Promise<void>;
}

export interface TunnelServiceOptions {
  configuration: LoadedConfiguration;
  engine: Engine;
  stateDirectory: string;
  logger: Logger;
  clock?: () => number;
}

export type CreateTunnelService = (options: TunnelServiceOptions) => Promise<TunnelService>;

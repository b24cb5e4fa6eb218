import { advance, type RollOut, type RollOutEvent } from './roll-out.ts';
import { desiredVersion, newProgress, type ServerProgress, type ServerView } from './server-progress.ts';

export const oldVersion = '1.0.0';
export const target = '1.1.0';

/** A server as it really is; the control plane knows what it has checked in with. */
interface SimulatedServer {
  version: string;
  isOn: boolean;
  /** What it was told to run and is switching to. */
  switchingTo: string | undefined;
  unhealthy: string[];
}

/** A site: servers with their monitors, a roll-out, and a clock of its own. */
export class SimulatedSite {
  readonly servers = new Map<string, SimulatedServer>();
  readonly events: RollOutEvent[] = [];
  /** Every time that a server was told to run another version than it does. */
  readonly told: { serverId: string; from: string; to: string }[] = [];
  rollOut: RollOut = { state: 'running', finishedAt: null, reason: null };
  progress: readonly ServerProgress[] = [];
  soakSeconds = 60;
  isReleased = true;
  readonly #views = new Map<string, ServerView>();
  #now = Date.parse('2026-11-24T09:00:00.000Z');

  constructor(...serverIds: string[]) {
    for (const id of serverIds) {
      this.join(id);
      this.#hear(id);
    }
  }

  /** A server comes to the site; it has not checked in yet. */
  join(serverId: string, version = oldVersion): void {
    this.servers.set(serverId, { version, isOn: true, switchingTo: undefined, unhealthy: [] });
    this.#views.set(serverId, {
      serverId,
      name: `gateway ${serverId}`,
      agentVersion: undefined,
      gatewayVersion: undefined,
      lastCheckInAt: undefined,
      unhealthy: [],
      report: undefined,
    });
  }

  delete(serverId: string): void {
    this.servers.delete(serverId);
    this.#views.delete(serverId);
  }

  server(serverId: string): SimulatedServer {
    const server = this.servers.get(serverId);
    if (server === undefined) throw new Error(`there is no server ${serverId}`);
    return server;
  }

  pass(seconds: number): void {
    this.#now += seconds * 1_000;
  }

  /** What a replica does at a check-in and from time to time. */
  look(): void {
    const rules = {
      now: new Date(this.#now),
      target,
      soakSeconds: this.soakSeconds,
      isReleased: this.isReleased,
    };
    const { rollOut, servers, events } = advance(
      this.rollOut,
      this.progress,
      [...this.#views.values()],
      rules,
    );
    this.rollOut = rollOut;
    this.progress = servers;
    this.events.push(...events);
  }

  /** A check-in: it is written down, the roll-out goes on, and the answer says which version to run. */
  checkIn(serverId: string): void {
    const server = this.server(serverId);
    if (!server.isOn) return;
    this.#hear(serverId);
    this.look();
    const mine = this.progressOf(serverId);
    const desired = desiredVersion(mine, target, server.version);
    this.progress = this.progress.map((one) =>
      one === mine && one.state === 'upgrading' && one.toldAt === null
        ? { ...one, toldAt: new Date(this.#now).toISOString() }
        : one,
    );
    if (desired === undefined || desired === server.version) return;
    this.told.push({ serverId, from: server.version, to: desired });
    if (server.switchingTo !== undefined) return;
    server.switchingTo = desired;
    this.#report(serverId, desired, 'running');
  }

  /** The monitor ends a switch, well or not. */
  finishSwitch(serverId: string, isGood = true): void {
    const server = this.server(serverId);
    if (server.switchingTo === undefined) return;
    if (isGood) server.version = server.switchingTo;
    this.#report(serverId, server.switchingTo, isGood ? 'done' : 'failed');
    server.switchingTo = undefined;
  }

  progressOf(serverId: string): ServerProgress {
    return this.progress.find((one) => one.serverId === serverId) ?? newProgress(serverId);
  }

  /** Time goes by with a check-in of every server each `seconds`; what is told is done. */
  live(times: number, seconds = 10): void {
    for (let time = 0; time < times; time += 1) {
      this.pass(seconds);
      for (const id of this.servers.keys()) {
        this.finishSwitch(id);
        this.checkIn(id);
      }
    }
  }

  states(): Record<string, string> {
    return Object.fromEntries(this.progress.map(({ serverId, state }) => [serverId, state]));
  }

  #hear(serverId: string): void {
    const { version, unhealthy } = this.server(serverId);
    const lastCheckInAt = new Date(this.#now).toISOString();
    this.#change(serverId, {
      agentVersion: version,
      gatewayVersion: version,
      lastCheckInAt,
      unhealthy: [...unhealthy],
    });
  }

  #report(serverId: string, version: string, state: 'running' | 'done' | 'failed'): void {
    const reason = state === 'failed' ? 'the gateway did not answer' : undefined;
    this.#change(serverId, { report: { version, state, reason, at: `${serverId} ${this.#now}` } });
  }

  #change(serverId: string, change: Partial<ServerView>): void {
    const view = this.#views.get(serverId);
    if (view !== undefined) this.#views.set(serverId, { ...view, ...change });
  }
}

import { mkdirSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { BanPoints, BanView, GatewayStatus, SessionView } from '@culvert/contracts';
import type { Logger } from 'pino';
import { type AccessEvent, AccessLog } from './access-log/access-log.ts';
import { EventFeed } from './access-log/event-feed.ts';
import { RefusalLimit } from './access-log/refusal-limit.ts';
import type { AddressPool } from './addresses/address-pool.ts';
import type { LoadedConfiguration } from './configuration/loaded-configuration.ts';
import { type Attachment, type Engine, EngineRefusal, type SessionEvent } from './engine/engine.ts';
import { EngineReadiness } from './engine/readiness.ts';
import {
  type Application,
  createApplication,
  type SignInCall,
  type SignInReply,
} from './http/application.ts';
import { type Device, describeTls } from './http/device.ts';
import { GuessingGuard } from './protection/guessing-guard.ts';
import { documentFacts, poolOf, sessionRules, signInPolicy } from './service-settings.ts';
import { randomPool } from './sessions/random-pool.ts';
import type { DeviceFacts, Session } from './sessions/session.ts';
import { identify, SessionLifecycle } from './sessions/session-lifecycle.ts';
import { SqliteSessionStore } from './sessions/session-store.ts';
import { Sessions, type TunnelEnd, totalTraffic } from './sessions/sessions.ts';
import { deviceFacts } from './sign-in/device-facts.ts';
import { answerCookies, type DocumentFacts, renderAnswer, type SignInAnswer } from './sign-in/documents.ts';
import { readSignInRequest } from './sign-in/request.ts';
import { type Admission, SignIn } from './sign-in/sign-in.ts';
import { isTunnelPath, readConnectRequest, readCookie, single } from './tunnel/connect-request.ts';
import { refuseConnect } from './tunnel/connect-response.ts';
import { planTunnel } from './tunnel/plan-tunnel.ts';

/** Everything between a device's decrypted bytes and the engine: HTTP, sign-in, sessions. */
export interface TunnelService {
  listen(relaySocketPath: string): Promise<void>;
  /** The engine is configured and its events are flowing; compares its sessions with ours. */
  onEngineReady(): Promise<void>;
  /** The engine is gone; until the next one is compared with, a CONNECT waits for it. */
  onEngineLost(): void;
  onEngineEvent(event: SessionEvent): void;
  reconfigure(configuration: LoadedConfiguration): void;
  sessions(options?: { ending?: boolean }): Promise<SessionView[]>;
  disconnect(selector: { session: string } | { user: string }, message: string): Promise<number>;
  bans(): BanView[];
  /** Addresses with failures that count against them, and how many bring a ban. */
  banPoints(): { points: BanPoints[]; failuresBeforeBan: number };
  /** What happens from now on; see `EventFeed`. */
  readonly events: EventFeed;
  /** Sums since the process started. */
  totals(): GatewayStatus['totals'];
  unban(address: string | 'all'): number;
  counters(): Record<string, number>;
  /** Sessions that there can be at the same time. */
  readonly capacity: number;
  /** An IPv4 address of the pool that no session has and that none will have for long; undefined when all are taken. */
  freeAddress(): string | undefined;
  /** From now on requests and CONNECTs get 503; open tunnels go on. */
  drain(): void;
  /** Closes after the answers under way; the engine holds connections that come from now on for the next gateway. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export interface TunnelServiceOptions {
  configuration: LoadedConfiguration;
  engine: Engine;
  stateDirectory: string;
  logger: Logger;
  /** Unix time in milliseconds; the system's clock by default. */
  clock?: () => number;
}

/** How long a CONNECT waits for the engine after a start; a client that is refused once waits ten seconds. */
const engineStartMilliseconds = 5000;
const sweepMilliseconds = 1000;
/** How often the engine is asked for its counters; with many sessions less often, so that it stays below 1 % of the time. */
const trafficMilliseconds = 60_000;
const trafficShare = 100;
/** The engine closes the relayed connection after `attach`; this is for when it does not. */
const handOverMilliseconds = 10_000;

/** How long a hand over waits for answers under way; the engine holds new connections for a minute. */
const finishMilliseconds = 5000;

/** Sessions that one gateway is made for, whatever its network holds. */
const mostSessions = 64_000;

const networkChangedMessage = 'The network of this server has changed. Please connect again.';

/** Opens the store and the access log of the state directory and takes over the sessions in it. */
export async function createTunnelService(options: TunnelServiceOptions): Promise<TunnelService> {
  const service = new Service(options);
  await service.start();
  return service;
}

class Service implements TunnelService {
  readonly #engine: Engine;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #store: SqliteSessionStore;
  readonly #accessLog: AccessLog;
  readonly #guard: GuessingGuard;
  readonly #refusalLimit = new RefusalLimit();
  readonly events = new EventFeed();
  readonly #sessions: Sessions;
  readonly #lifecycle: SessionLifecycle;
  readonly #signIn: SignIn;
  readonly #engineReadiness = new EngineReadiness();
  readonly #counts = {
    signInsAccepted: 0,
    signInsRefused: 0,
    connects: 0,
    reconnects: 0,
    connectsUnauthorized: 0,
    connectsFailed: 0,
    unreadableRequests: 0,
  };
  #configuration: LoadedConfiguration;
  #documents: DocumentFacts;
  #pool: AddressPool;
  #application: Application | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #trafficTimer: NodeJS.Timeout | undefined;
  #draining = false;
  #closed = false;
  #isStoreClosed = false;

  constructor({ configuration, engine, stateDirectory, logger, clock }: TunnelServiceOptions) {
    mkdirSync(stateDirectory, { recursive: true, mode: 0o750 });
    this.#configuration = configuration;
    this.#engine = engine;
    this.#logger = logger;
    this.#now = clock ?? Date.now;
    this.#documents = documentFacts(configuration);
    this.#pool = poolOf(configuration);
    this.#accessLog = new AccessLog(join(stateDirectory, 'log', 'access.jsonl'));
    this.#store = new SqliteSessionStore(join(stateDirectory, 'sessions.db'), (error) =>
      logger.error({ err: error }, 'the session store cannot be written'),
    );
    const random = randomPool();
    this.#guard = new GuessingGuard(configuration.standalone.signInProtection, (ban, at) =>
      this.events.publish({ event: 'ban', ...ban }, at),
    );
    this.#sessions = new Sessions(sessionRules(configuration), this.#pool, this.#store, random);
    this.#lifecycle = new SessionLifecycle(this.#sessions, {
      engine,
      now: this.#now,
      log: (event, at) => this.#log(event, at),
      engineFailed: (error, what) => logger.warn({ err: error, what }, 'the engine did not answer'),
    });
    this.#signIn = new SignIn(signInPolicy(configuration), {
      now: this.#now,
      random,
      wait: (milliseconds) => wait(milliseconds, undefined, { ref: false }),
      key: random(32),
      guard: this.#guard,
      admit: (user, facts) => this.#admit(user, facts),
      refused: (reason, user, facts, detail) => this.#refused(reason, user, facts, detail),
    });
  }

  async start(): Promise<void> {
    const stranded = this.#sessions.restore(this.#accessLog.recentlyEnded());
    this.#application = await createApplication({
      signIn: (call) => this.#answerSignIn(call),
      connect: (request, socket, device) => void this.#connect(request, socket, device),
      failed: (error) => this.#logger.error({ err: error }, 'a request failed'),
      draining: () => this.#draining,
    });
    // The engine must have been asked what it still carries before anything is ended.
    void this.#engineReadiness.whenReady().then(() => {
      if (this.#closed) return;
      this.#endAll(stranded);
      this.#sweep = setInterval(() => this.#lifecycle.sweep(), sweepMilliseconds).unref();
      this.#noteTrafficLater(trafficMilliseconds);
    });
  }

  async listen(relaySocketPath: string): Promise<void> {
    await this.#application?.relay.listen(relaySocketPath);
  }

  async onEngineReady(): Promise<void> {
    await this.#lifecycle.reconcile();
    this.#engineReadiness.ready();
  }

  onEngineLost(): void {
    this.#engineReadiness.lost();
  }

  onEngineEvent(event: SessionEvent): void {
    // What comes later is not acknowledged, and told again to the next gateway.
    if (!this.#isStoreClosed) this.#lifecycle.handle(event);
  }

  reconfigure(configuration: LoadedConfiguration): void {
    const previous = this.#configuration.standalone.serverConfiguration;
    const next = configuration.standalone.serverConfiguration;
    this.#configuration = configuration;
    this.#documents = documentFacts(configuration);
    this.#signIn.policy = signInPolicy(configuration);
    this.#sessions.rules = sessionRules(configuration);
    this.#guard.reconfigure(configuration.standalone.signInProtection);
    this.#accessLog.reopen();
    if (previous.network !== next.network || previous.ipv6Network !== next.ipv6Network) {
      this.#pool = poolOf(configuration);
      this.#endAll(this.#sessions.replacePool(this.#pool));
    }
  }

  sessions(options: { ending?: boolean } = {}): Promise<SessionView[]> {
    return this.#lifecycle.views(options);
  }

  async disconnect(selector: { session: string } | { user: string }, message: string): Promise<number> {
    const found =
      'session' in selector
        ? [this.#sessions.get(selector.session)].filter((session) => session !== undefined)
        : this.#sessions.ofUser(selector.user);
    const live = found.filter((session) => session.state !== 'ending');
    await Promise.all(live.map((session) => this.#lifecycle.end(session, 'detached', message)));
    return live.length;
  }

  bans(): BanView[] {
    return this.#guard.bans(this.#now());
  }

  banPoints(): { points: BanPoints[]; failuresBeforeBan: number } {
    return {
      points: this.#guard.points(this.#now()),
      failuresBeforeBan: this.#guard.failuresBeforeBan,
    };
  }

  totals(): GatewayStatus['totals'] {
    return this.#lifecycle.totals.view([...this.#sessions.all()].map((session) => totalTraffic(session)));
  }

  unban(address: string | 'all'): number {
    return this.#guard.unban(address, this.#now());
  }

  counters(): Record<string, number> {
    let connected = 0;
    for (const session of this.#sessions.all()) {
      if (session.state === 'attached' && !session.lost) connected += 1;
    }
    return {
      ...this.#counts,
      sessions: this.#sessions.size,
      sessionsConnected: connected,
      sessionsAway: this.#sessions.size - connected,
      sessionsEnded: this.#lifecycle.totals.count,
      signInsPending: this.#signIn.pending,
      bans: this.bans().length,
      addressesFree: this.#sessions.freeAddresses,
      badConnections: this.#application?.relay.badRequests ?? 0,
    };
  }

  freeAddress(): string | undefined {
    return this.#pool.lastFreeIpv4;
  }

  get capacity(): number {
    return Math.min(this.#pool.capacity, mostSessions);
  }

  drain(): void {
    this.#draining = true;
  }

  async finish(): Promise<void> {
    await this.#application?.relay.finish(finishMilliseconds);
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#sweep);
    this.events.close();
    clearTimeout(this.#trafficTimer);
    await this.#application?.relay.close();
    await this.#application?.app.close();
    // The engine may be about to end, and its counters with it.
    if (this.#engineReadiness.isReady) await this.#lifecycle.noteTraffic();
    this.#isStoreClosed = true;
    this.#store.close();
    this.#accessLog.close();
  }

  async #answerSignIn({ device, headers, body }: SignInCall): Promise<SignInReply> {
    const read = readSignInRequest(body);
    if (!read.ok) {
      this.#counts.unreadableRequests += 1;
      this.#logger.debug({ reason: read.reason }, 'a sign-in request could not be read');
      return undefined;
    }
    // A GET with the header of XML clients gets what such a client understands.
    const aggregate = read.aggregate || single(headers, 'x-aggregate-auth') !== undefined;
    const cookies = single(headers, 'cookie');
    let answer: SignInAnswer;
    if (read.request.kind === 'logout') {
      await this.#logout(read.request.sessionToken ?? readCookie(cookies, 'webvpn'));
      answer = { kind: 'loggedOut' };
    } else {
      answer = await this.#signIn.answer(read.request, {
        facts: deviceFacts(headers, read.request.device, device),
        certificateChain: device.certificateChain,
        possessionProved: device.possessionProved,
        stateCookie: readCookie(cookies, 'webvpncontext'),
      });
    }
    const step = { step: read.request.kind, answer: answer.kind, remoteAddress: device.address };
    this.#logger.debug(step, 'a step of a sign-in');
    return {
      document: renderAnswer(answer, this.#documents, aggregate),
      cookies: answerCookies(answer, this.#documents),
    };
  }

  async #logout(cookie: string | undefined): Promise<void> {
    const session = cookie === undefined ? undefined : this.#sessions.authenticate(cookie, this.#now());
    if (session !== undefined) await this.#lifecycle.end(session, 'logout', 'Signed out.');
  }

  #admit(user: string, facts: DeviceFacts): Admission {
    const room = this.#sessions.room(user, facts);
    if (room.kind === 'tooManySessions' || room.kind === 'noAddress') return room;
    // Ends at once in our table; only what the engine is told may come later.
    if (room.kind === 'replace') {
      void this.#lifecycle.end(room.session, 'replaced', 'This account signed in on another device.');
    }
    const now = this.#now();
    const admitted = this.#sessions.admit(user, facts, now);
    if (admitted === undefined) return { kind: 'noAddress' };
    this.#counts.signInsAccepted += 1;
    this.#log({ event: 'signIn', result: 'accepted', ...identify(admitted.session) }, now);
    return { kind: 'admitted', sessionId: admitted.session.id, cookie: admitted.cookie };
  }

  #refused(reason: string, user: string | undefined, facts: DeviceFacts, detail: string | undefined): void {
    this.#counts.signInsRefused += 1;
    const { platform, deviceType, userAgent, remoteAddress } = facts;
    const { log, suppressed } = this.#refusalLimit.admit(remoteAddress, this.#now());
    if (!log) return;
    this.#log(
      {
        event: 'signIn',
        result: 'refused',
        reason,
        ...(detail === undefined ? {} : { detail }),
        ...(suppressed === 0 ? {} : { suppressed }),
        ...(user === undefined ? {} : { user }),
        platform,
        ...(deviceType === undefined ? {} : { deviceType }),
        ...(userAgent === undefined ? {} : { userAgent }),
        remoteAddress,
      },
      this.#now(),
    );
  }

  async #connect(request: IncomingMessage, socket: Duplex, device: Device): Promise<void> {
    // The bytes of a client that does not wait for its answer are dropped.
    socket.resume();
    socket.on('end', () => socket.end());
    const refuse = (status: 401 | 404 | 503, reason: string) => {
      this.#logger.debug({ status, reason, remoteAddress: device.address }, 'no tunnel for this CONNECT');
      if (!socket.destroyed) socket.end(refuseConnect(status, reason));
    };
    try {
      if (!isTunnelPath(request.url)) return refuse(404, 'Not found');
      if (this.#draining) return refuse(503, 'The server is stopping');
      const asked = readConnectRequest(request.headers);
      const session = this.#sessionOf(asked.cookie);
      if (session === undefined) {
        this.#counts.connectsUnauthorized += 1;
        return refuse(401, 'The session has ended');
      }
      if (!(await this.#engineReadiness.waitFor(engineStartMilliseconds)))
        return refuse(503, 'The server is starting');
      const plan = planTunnel({
        request: asked,
        device,
        session,
        configuration: this.#configuration,
        gatewayIpv4: this.#pool.gatewayIpv4,
        gatewayIpv6: this.#pool.gatewayIpv6,
        now: this.#now(),
        random: Math.random(),
      });
      await this.#attach(plan);
      this.#attached(session, device, { hostname: asked.hostname, mtu: plan.mtu });
      setTimeout(() => socket.destroy(), handOverMilliseconds).unref();
    } catch (error) {
      this.#counts.connectsFailed += 1;
      this.#logger.warn({ err: error }, 'a tunnel could not be opened');
      refuse(503, 'The server cannot open the tunnel now');
    }
  }

  async #attach(plan: Attachment): Promise<void> {
    try {
      await this.#engine.attach(plan);
    } catch (error) {
      // Without an answer the engine may have opened the tunnel, and the device is about to be told that there is none.
      if (!(error instanceof EngineRefusal))
        this.#detach(plan.session, 'The server could not open the tunnel.');
      throw error;
    }
  }

  #noteTrafficLater(milliseconds: number): void {
    this.#trafficTimer = setTimeout(async () => {
      const began = performance.now();
      if (this.#engineReadiness.isReady) await this.#lifecycle.noteTraffic();
      const took = performance.now() - began;
      if (!this.#closed) this.#noteTrafficLater(Math.max(trafficMilliseconds, took * trafficShare));
    }, milliseconds).unref();
  }

  #detach(session: string, message: string): void {
    this.#engine.detach(session, message).catch((error: unknown) => {
      this.#logger.warn({ err: error }, 'the engine did not answer');
    });
  }

  #sessionOf(cookie: string | undefined): Session | undefined {
    return cookie === undefined ? undefined : this.#sessions.authenticate(cookie, this.#now());
  }

  #attached(session: Session, device: Device, end: Omit<TunnelEnd, 'remoteAddress'>): void {
    // The session may have ended while the engine worked; then the engine must not keep it.
    if (this.#sessions.get(session.id) !== session || session.state === 'ending') {
      this.#detach(session.id, 'The session has ended.');
      return;
    }
    const now = this.#now();
    const first = this.#sessions.attached(session, { remoteAddress: device.address, ...end }, now);
    const tls = describeTls(device);
    this.#counts[first ? 'connects' : 'reconnects'] += 1;
    this.#logger.debug({ session: session.id, first, tls }, 'a tunnel is open');
    this.#log(
      {
        event: first ? 'connect' : 'reconnect',
        ...identify(session),
        ...(tls === undefined ? {} : { tls }),
      },
      now,
    );
  }

  #endAll(sessions: readonly Session[]): void {
    for (const session of sessions)
      void this.#lifecycle.end(session, 'networkChanged', networkChangedMessage);
  }

  #log(event: AccessEvent, at: number): void {
    this.events.publish(event, at);
    try {
      this.#accessLog.write(event, at);
    } catch (error) {
      // A full disk must not keep anybody out.
      this.#logger.error({ err: error }, 'the access log cannot be written');
    }
  }
}

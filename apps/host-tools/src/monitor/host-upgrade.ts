import { type UpgradeReport, upgradeReportSchema, versionSchema } from '@culvert/contracts';
import { z } from 'zod';

/** How the host was before its upgrade; what must be so afterwards too. */
const beforeSchema = z.strictObject({
  /** Of the engine that ran; absent when none did. */
  engineProcessId: z.int().optional(),
  /** Identifiers of the sessions that had a tunnel. */
  sessions: z.array(z.string()),
  /** Whether the agent reached the control plane. */
  controlPlaneReached: z.boolean(),
  /** Whether this host could connect to the port of its devices; where it cannot, that says nothing about an upgrade. */
  publicSideReached: z.boolean().optional(),
});
export type Before = z.output<typeof beforeSchema>;

/** Steps of an upgrade, in their order; `back` takes the place of the rest when one fails. */
export const upgradeSteps = ['gateway', 'agent', 'engine', 'back'] as const;
export type UpgradeStep = (typeof upgradeSteps)[number];

/** `release-in-use.json`: all that a monitor has to know to go on where the last one ended. */
export const hostStateSchema = z.strictObject({
  /** The release in use; during an upgrade the one that it began with. */
  version: versionSchema,
  upgrade: z
    .strictObject({
      version: versionSchema,
      step: z.enum(upgradeSteps),
      /** Why it goes back. */
      reason: z.string().optional(),
      before: beforeSchema,
    })
    .optional(),
  report: upgradeReportSchema.optional(),
});
export type HostState = z.output<typeof hostStateSchema>;

/** Which release each process is to run. */
export interface WantedReleases {
  server: string;
  agent: string;
}

/** Begins an upgrade. It is the caller's part that the release is there and that no other upgrade is under way. */
export function beginUpgrade(state: HostState, version: string, before: Before, at: string): HostState {
  return {
    version: state.version,
    upgrade: { version, step: 'gateway', before },
    report: { version, state: 'running', at },
  };
}

/** What follows from the state alone, so that a monitor that begins in the middle does the same. */
export function wantedReleases({ version, upgrade }: HostState): WantedReleases {
  if (upgrade === undefined || upgrade.step === 'back') return { server: version, agent: version };
  return { server: upgrade.version, agent: upgrade.step === 'gateway' ? version : upgrade.version };
}

/** The state after a step was carried out; `problem` says why it failed. */
export function concludeStep(state: HostState, problem: string | undefined, at: string): HostState {
  const { upgrade } = state;
  if (upgrade === undefined) return state;
  const { version, step, reason } = upgrade;
  if (step === 'back') {
    const also =
      problem === undefined ? '' : `. It runs ${state.version} again, which is not well: ${problem}`;
    return end(state.version, { version, state: 'failed', reason: `${reason ?? ''}${also}`, at });
  }
  if (problem !== undefined) return { ...state, upgrade: { ...upgrade, step: 'back', reason: problem } };
  if (step === 'gateway') return { ...state, upgrade: { ...upgrade, step: 'agent' } };
  // Last, because it is the only step that devices notice.
  if (step === 'agent') return { ...state, upgrade: { ...upgrade, step: 'engine' } };
  return end(version, { version, state: 'done', at });
}

function end(version: string, report: UpgradeReport): HostState {
  const { reason, ...rest } = report;
  return { version, report: { ...rest, ...(reason === undefined ? {} : { reason: reason.slice(0, 1000) }) } };
}

/** What an upgrade does to a host. Everything may be done twice. Methods that reject have words for the reason. */
export interface UpgradeWorld {
  /** Makes both processes run these releases. The gateway hands over, and no tunnel ends. */
  run(wanted: WantedReleases): Promise<void>;
  /** Waits until the gateway is well for long enough; resolves to what is wrong otherwise. */
  gatewayProblem(before: Before): Promise<string | undefined>;
  agentProblem(before: Before): Promise<string | undefined>;
  /** Runs the engine of the gateway's release; nothing when it runs already. */
  replaceEngine(): Promise<void>;
}

/** Where the state of the host is kept. `write` returns when it is on disk. */
export interface HostStateStore {
  read(): HostState;
  write(state: HostState): void;
}

/** Carries out the upgrade that is under way to its end, from whatever step it is at. */
export async function carryOutUpgrade(
  store: HostStateStore,
  world: UpgradeWorld,
  now: () => Date,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    const state = store.read();
    if (state.upgrade === undefined) return;
    const problem = await carryOutStep(state.upgrade, wantedReleases(state), world).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    // What was interrupted has not failed; the next monitor does the step again.
    if (signal?.aborted === true) return;
    store.write(concludeStep(state, problem, now().toISOString()));
  }
}

async function carryOutStep(
  { step, before }: NonNullable<HostState['upgrade']>,
  wanted: WantedReleases,
  world: UpgradeWorld,
): Promise<string | undefined> {
  await world.run(wanted);
  if (step === 'agent') return world.agentProblem(before);
  if (step === 'gateway') return world.gatewayProblem(before);
  await world.replaceEngine();
  return world.gatewayProblem(before);
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  beginUpgrade,
  carryOutUpgrade,
  concludeStep,
  type HostState,
  type UpgradeWorld,
  wantedReleases,
} from './host-upgrade.ts';

const now = () => new Date(Date.UTC(2026, 10, 25));
const before = { sessions: [], controlPlaneReached: true };
const [old, next] = ['1.0.0', '1.1.0'];

class Crash extends Error {}

/** A host on which each release may be broken in any part, and whose monitor may be killed at each moment. */
class Host {
  /** What is on disk. */
  state: HostState = { version: old };
  processes = { server: old, agent: old };
  engine = old;
  /** Ends of all tunnels. */
  replacements = 0;
  readonly #broken: ReadonlySet<string>;
  #stepsUntilCrash: number[];

  constructor(broken: readonly string[], crashes: readonly number[] = []) {
    this.#broken = new Set(broken);
    this.#stepsUntilCrash = [...crashes];
  }

  readonly store = {
    read: () => this.state,
    write: (state: HostState) => {
      this.#mayCrash();
      // As it comes back from disk.
      this.state = JSON.parse(JSON.stringify(state)) as HostState;
      this.#mayCrash();
    },
  };

  readonly world: UpgradeWorld = {
    run: async ({ server, agent }) => {
      this.#mayCrash();
      this.processes = { ...this.processes, server };
      this.#mayCrash();
      this.processes = { ...this.processes, agent };
      this.#mayCrash();
    },
    gatewayProblem: async () => {
      this.#mayCrash();
      const parts = [`gateway ${this.processes.server}`, `engine ${this.engine}`];
      return parts.find((part) => this.#broken.has(part));
    },
    agentProblem: async () => {
      this.#mayCrash();
      const part = `agent ${this.processes.agent}`;
      return this.#broken.has(part) ? part : undefined;
    },
    replaceEngine: async () => {
      this.#mayCrash();
      if (this.engine === this.processes.server) return;
      this.engine = this.processes.server;
      this.replacements += 1;
      this.#mayCrash();
    },
  };

  /** Monitors, one after the other until one is not killed. Each begins with making the processes what they are to be. */
  async upgrade(version: string): Promise<void> {
    this.state = beginUpgrade(this.state, version, before, now().toISOString());
    for (;;) {
      const { signal, abort } = abortOnCrash();
      try {
        await carryOutUpgrade(this.store, killable(this.world, abort), now, signal);
        if (!signal.aborted) return;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
    }
  }

  #mayCrash(): void {
    const [steps, ...others] = this.#stepsUntilCrash;
    if (steps === undefined) return;
    if (steps > 0) this.#stepsUntilCrash = [steps - 1, ...others];
    else {
      this.#stepsUntilCrash = others;
      throw new Crash('killed');
    }
  }
}

function abortOnCrash() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** A monitor that is killed in a method of the world does nothing afterwards. */
function killable(world: UpgradeWorld, abort: () => void): UpgradeWorld {
  const guard =
    <Parameters extends unknown[], Result>(method: (...parameters: Parameters) => Promise<Result>) =>
    (...parameters: Parameters) =>
      method(...parameters).catch((error: unknown) => {
        if (error instanceof Crash) abort();
        throw error;
      });
  return {
    run: guard(world.run),
    gatewayProblem: guard(world.gatewayProblem),
    agentProblem: guard(world.agentProblem),
    replaceEngine: guard(world.replaceEngine),
  };
}

describe('an upgrade of a host', () => {
  test('ends with everything of the new release', async () => {
    const host = new Host([]);
    await host.upgrade(next);
    expect(host.state).toEqual({
      version: next,
      report: { version: next, state: 'done', at: now().toISOString() },
    });
    expect([host.processes, host.engine]).toEqual([{ server: next, agent: next }, next]);
  });

  test('that fails before its last step ends no tunnel', async () => {
    for (const broken of [`gateway ${next}`, `agent ${next}`]) {
      const host = new Host([broken]);
      await host.upgrade(next);
      expect(host.replacements).toBe(0);
      expect(host.state.report).toMatchObject({ state: 'failed', reason: broken });
    }
  });

  test('that finds the old release unwell too says both reasons', async () => {
    const host = new Host([`gateway ${next}`, `gateway ${old}`]);
    await host.upgrade(next);
    expect(host.state.report?.reason).toBe(
      `gateway ${next}. It runs ${old} again, which is not well: gateway ${old}`,
    );
  });

  test('ends with all of one release, whatever is broken and whenever its monitor is killed', async () => {
    const part = fc.constantFrom(
      ...['gateway', 'agent', 'engine'].flatMap((name) => [`${name} ${old}`, `${name} ${next}`]),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(part),
        fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 8 }),
        async (broken, crashes) => {
          const host = new Host(broken, crashes);
          await host.upgrade(next);
          const { version, upgrade, report } = host.state;
          expect(upgrade).toBeUndefined();
          expect(host.processes).toEqual({ server: version, agent: version });
          expect(host.engine).toBe(version);
          const isBroken = broken.some((one) => one.endsWith(next));
          // The old engine runs under the new gateway first.
          const isHeldBack = broken.includes(`engine ${old}`);
          expect(report?.state).toBe(isBroken || isHeldBack ? 'failed' : 'done');
          expect(version).toBe(report?.state === 'done' ? next : old);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('runs what its state says, from each step', () => {
    const begun = beginUpgrade({ version: old }, next, before, now().toISOString());
    expect(wantedReleases({ version: old })).toEqual({ server: old, agent: old });
    expect(wantedReleases(begun)).toEqual({ server: next, agent: old });
    const agent = concludeStep(begun, undefined, now().toISOString());
    expect(wantedReleases(agent)).toEqual({ server: next, agent: next });
    expect(wantedReleases(concludeStep(agent, 'no', now().toISOString()))).toEqual({
      server: old,
      agent: old,
    });
  });

  test('has a reason that fits into its report', () => {
    const begun = beginUpgrade({ version: old }, next, before, now().toISOString());
    const back = concludeStep(begun, 'x'.repeat(5000), now().toISOString());
    expect(concludeStep(back, undefined, now().toISOString()).report?.reason).toHaveLength(1000);
  });
});

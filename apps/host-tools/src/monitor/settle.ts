import { setTimeout as sleep } from 'node:timers/promises';
import { SteadyHealth } from './silence.ts';

const lookMilliseconds = 500;

/** What is wrong at last; undefined once nothing has been wrong for long enough. Rejects when the signal is aborted. */
export async function settle(
  look: () => Promise<string | undefined>,
  rule: { withinMilliseconds: number; settleMilliseconds: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const health = new SteadyHealth(performance.now(), rule);
  for (;;) {
    const problem = await look();
    const verdict = health.observe(performance.now(), problem === undefined);
    if (verdict === 'steady') return undefined;
    if (verdict === 'failed') return problem;
    await sleep(lookMilliseconds, undefined, { signal });
  }
}

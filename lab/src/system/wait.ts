import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until the answer is neither undefined nor false; fails loudly when the time is over. */
export async function eventually<Answer>(
  what: string,
  question: () => Promise<Answer | undefined | false> | Answer | undefined | false,
  timeoutMilliseconds = 10_000,
  pauseMilliseconds = 100,
): Promise<Answer> {
  const deadline = Date.now() + timeoutMilliseconds;
  let trouble: unknown;
  for (;;) {
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer;
      trouble = undefined;
    } catch (error) {
      trouble = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`not within ${timeoutMilliseconds} ms: ${what}`, { cause: trouble });
    }
    await sleep(pauseMilliseconds);
  }
}

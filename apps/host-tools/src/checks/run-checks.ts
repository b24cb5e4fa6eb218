import type { Check, CheckReport, CheckResult, Finding } from './check.ts';

/** A check that has found nothing after this is told as unknown. */
export const checkMilliseconds = 8_000;

/** Runs all at the same time, each with a limit of its own; the reports are in the order of the checks. Never rejects. */
export async function runChecks(
  checks: readonly Check[],
  { limitMilliseconds = checkMilliseconds, now = () => performance.now() } = {},
): Promise<CheckReport[]> {
  return Promise.all(
    checks.map(async (check) => {
      const { id, title, why } = check;
      const startedAt = now();
      const finding = await withinLimit(check, limitMilliseconds);
      return { id, title, why, ...finding, milliseconds: Math.round(now() - startedAt) };
    }),
  );
}

async function withinLimit(check: Check, limitMilliseconds: number): Promise<Finding> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => {
      abort.abort();
      resolve(tooLate(limitMilliseconds));
    }, limitMilliseconds);
  });
  try {
    return await Promise.race([Promise.try(() => check.run(abort.signal)).catch(brokenCheck), late]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(milliseconds: number): Finding {
  const seconds = milliseconds / 1000;
  return {
    result: 'unknown',
    found: { en: `no result within ${seconds} s`, ja: `${seconds} 秒以内に結果が得られませんでした` },
  };
}

/** One check that cannot be carried out must not take the others with it. */
function brokenCheck(error: unknown): Finding {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    result: 'unknown',
    found: {
      en: `the check could not be carried out: ${reason}`,
      ja: `確認を実行できませんでした: ${reason}`,
    },
  };
}

/** The worst result counts: something failed, or it did not. What cannot be told and warnings do not fail a server. */
export function hasFailed(reports: readonly { result: CheckResult }[]): boolean {
  return reports.some(({ result }) => result === 'failed');
}

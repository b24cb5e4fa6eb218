import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CheckReport, CheckResult } from '../../../checks/check.ts';
import { runChecks } from '../../../checks/run-checks.ts';
import { type HostQuestion, hostChecks } from '../host-checks.ts';
import type { HostView } from '../host-view.ts';
import { engineOutputs, fixture, makeTree, recordedHost } from './distributions.ts';

const question: HostQuestion = {
  devices: 1_000,
  pools: [],
  port: 443,
  isRootless: false,
  now: new Date('2026-11-25T00:00:00Z'),
  environment: {},
};

/** Results by the id of the check, without `utils.`. */
export type Results = Readonly<Record<string, CheckResult>>;

/** What the checks say of a host, by id without `utils.`. */
export async function judge(
  view: HostView,
  changes: Partial<HostQuestion> = {},
): Promise<Map<string, CheckReport>> {
  const reports = await runChecks(hostChecks(view, { ...question, ...changes }));
  return new Map(reports.map((report) => [report.id.replace('utils.', ''), report]));
}

export function resultsOf(reports: ReadonlyMap<string, CheckReport>): Results {
  return Object.fromEntries([...reports].map(([id, { result }]) => [id, result]));
}

/** The reports for a distribution with other or more files. */
export async function judgeWith(
  name: string,
  files: Readonly<Record<string, string>>,
  changes: Partial<HostQuestion> = {},
): Promise<Map<string, CheckReport>> {
  const distribution = fixture(name);
  using tree = makeTree(distribution);
  for (const [path, text] of Object.entries(files)) {
    const file = join(tree.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return await judge(recordedHost(tree.root, engineOutputs(distribution)), changes);
}

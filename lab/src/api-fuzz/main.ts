/**
 * `node lab/src/api-fuzz/main.ts --report FILE`: Schemathesis against a control plane in a process of its own, from its own
 * OpenAPI document. The report is JUnit's XML. Ends with status 0 when nothing was found.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ControlPlane } from '../control-plane/control-plane.ts';
import { createExamples } from './examples.ts';
import { ensureSchemathesis } from './schemathesis.ts';

/** Requests for an operation that are made up at random, besides those that walk along its schema. */
const examples = 5;
const patienceMilliseconds = 300_000;

/** Statuses by which a request with a mistake may be refused; 412 is the answer when If-Match has one. */
const refusals = [400, 401, 403, 404, 405, 409, 412, 413, 415];

async function main(): Promise<number> {
  const { report } = parseArgs({ options: { report: { type: 'string' } } }).values;
  if (report === undefined) throw new Error('usage: node lab/src/api-fuzz/main.ts --report FILE');
  const program = ensureSchemathesis();
  const directory = mkdtempSync(join(tmpdir(), 'culvert-api-fuzz-'));
  const controlPlane = await ControlPlane.start();
  try {
    const access = await controlPlane.access();
    const { siteId } = await createExamples(access);
    const configuration = join(directory, 'schemathesis.toml');
    writeFileSync(
      configuration,
      [
        '[parameters]',
        // The name tells nothing of whose identifier it is.
        `"path.siteId" = "${siteId}"`,
        '[checks]',
        // Most rules go over several fields, which a schema cannot say: a refusal of good data is no mistake.
        'positive_data_acceptance.enabled = false',
        `negative_data_rejection.expected-statuses = [${refusals.map((status) => `"${status}"`).join(', ')}]`,
      ].join('\n'),
    );
    const { status } = spawnSync(
      program,
      [
        ...['--config-file', configuration],
        ...['run', `https://${access.host}:${access.port}/openapi.json`],
        ...['--header', `Authorization: Bearer ${access.token}`],
        ...['--tls-verify', access.authorityFile],
        ...['--phases', 'examples,coverage,fuzzing', '--max-examples', String(examples)],
        ...['--generation-deterministic', '--continue-on-failure', '--request-timeout', '10'],
        ...['--report', 'junit', '--report-junit-path', report],
        ...['--warnings', 'off', '--no-color'],
      ],
      { cwd: directory, stdio: ['ignore', 1, 2], timeout: patienceMilliseconds },
    );
    if (!controlPlane.running || controlPlane.output.includes('a request failed')) {
      console.error(`the control plane had trouble:\n${controlPlane.output}`);
      return 1;
    }
    return status ?? 1;
  } finally {
    await controlPlane.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main();

/** `npm run bench -- throughput|sessions|sign-in|control-plane|fleet`: the product and its peer side by side in one run. */
import { parseArgs } from 'node:util';
import type { ServerKind } from '@culvert/lab/server/server.ts';
import { benchControlPlane } from './control-plane/control-plane.ts';
import { benchFleet } from './fleet/fleet.ts';
import { describeInOneLine, describeMachine } from './machine.ts';
import type { BenchmarkOptions, BenchmarkReport, DatabaseKind } from './report.ts';
import { benchSessions } from './sessions.ts';
import { benchSignIn } from './sign-in.ts';
import { benchThroughput } from './throughput.ts';

interface Benchmark {
  run: (options: BenchmarkOptions) => Promise<BenchmarkReport>;
  rounds: number;
  seconds: number;
  clients: number;
}

const benchmarks: Record<string, Benchmark> = {
  throughput: { run: benchThroughput, rounds: 5, seconds: 5, clients: 1 },
  sessions: { run: benchSessions, rounds: 1, seconds: 5, clients: 200 },
  'sign-in': { run: benchSignIn, rounds: 5, seconds: 5, clients: 20 },
  'control-plane': { run: benchControlPlane, rounds: 1, seconds: 5, clients: 1 },
  fleet: { run: benchFleet, rounds: 1, seconds: 120, clients: 1_000 },
};

const usage = `usage: npm run bench -- ${Object.keys(benchmarks).join('|')} [options]
  --rounds N      rounds of which the median is taken
  --seconds N     length of one measurement of "throughput" and "control-plane" (5), and of "fleet" (120)
  --clients N     clients of "sessions" (200), connects per round of "sign-in" (20), agents of "fleet" (1000)
  --server NAME   culvert or ocserv alone; the default is both
  --database NAME sqlite or postgresql, of "fleet" (sqlite)
  --json          everything as JSON`;

function wholeNumber(name: string, text: string | undefined, otherwise: number, maximum: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > maximum) {
    throw new Error(`--${name} must be a whole number from 1 to ${maximum}, not "${text}"`);
  }
  return number;
}

function chosenServers(text: string | undefined): ServerKind[] {
  if (text === undefined) return ['culvert', 'ocserv'];
  if (text === 'culvert' || text === 'ocserv') return [text];
  throw new Error(`--server must be culvert or ocserv, not "${text}"`);
}

function chosenDatabase(text: string | undefined): DatabaseKind {
  if (text === undefined) return 'sqlite';
  if (text === 'sqlite' || text === 'postgresql') return text;
  throw new Error(`--database must be sqlite or postgresql, not "${text}"`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      clients: { type: 'string' },
      server: { type: 'string' },
      database: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const benchmark = benchmarks[positionals[0] ?? ''];
  if (benchmark === undefined || positionals.length !== 1) throw new Error(usage);
  const machine = await describeMachine();
  const report = await benchmark.run({
    servers: chosenServers(values.server),
    rounds: wholeNumber('rounds', values.rounds, benchmark.rounds, 100),
    seconds: wholeNumber('seconds', values.seconds, benchmark.seconds, 600),
    clients: wholeNumber('clients', values.clients, benchmark.clients, 4_000),
    database: chosenDatabase(values.database),
    say: (line) => console.error(line),
  });
  if (values.json) {
    const { markdown, ...data } = report;
    console.log(JSON.stringify({ machine, ...data, markdown }, null, 2));
  } else {
    console.log(`## ${report.benchmark}\n\n${describeInOneLine(machine)}.\n\n${report.markdown}`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

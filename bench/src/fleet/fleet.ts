import { setTimeout as sleep } from 'node:timers/promises';
import { ControlPlane } from '@culvert/lab/control-plane/control-plane.ts';
import { startPostgresql } from '@culvert/lab/database/postgresql.ts';
import { undoAtExit } from '@culvert/lab/system/cleanup.ts';
import { cpuSeconds, proportionalSetSize } from '@culvert/lab/system/process-tree.ts';
import { markdownTable } from '../markdown.ts';
import type { BenchmarkOptions, BenchmarkReport } from '../report.ts';
import { Generator } from './generator.ts';
import { joinAgents } from './joining.ts';
import type { CheckInRecord } from './simulated-agent.ts';
import { allAnsweredAfter, type Summary, summarize } from './summary.ts';

/** Seconds between two check-ins of an agent; the first ones are spread over as long. */
const intervalSeconds = 60;
const outageSeconds = 30;
/** Longer than the longest back-off of an agent. */
const patienceSeconds = 330;

interface Phase extends Summary {
  name: string;
  seconds: number;
  /** Of one core, 0 to 1. */
  cpuShare: number;
  /** MiB at its end. */
  memory: number;
}

interface Outcome {
  phases: Phase[];
  memoryWithoutAgents: number;
  /** Seconds until all agents had an answer, after the outage and after the rush. */
  allBack: { outage: number; rush: number };
}

/** A control plane with many agents: the steady state, an outage, and all agents at one moment. */
export async function benchFleet(options: BenchmarkOptions): Promise<BenchmarkReport> {
  if (options.database === 'sqlite') return report(options, await measure(options, undefined));
  const postgresql = await startPostgresql();
  const forget = undoAtExit(() => process.kill(postgresql.pid, 'SIGQUIT'));
  try {
    postgresql.execute('postgres', 'create database bench');
    return report(options, await measure(options, postgresql.url('bench')));
  } finally {
    forget();
    await postgresql.remove();
  }
}

async function measure(options: BenchmarkOptions, database: string | undefined): Promise<Outcome> {
  const { clients: count, seconds, say } = options;
  const controlPlane = await ControlPlane.start(database);
  let generator: Generator | undefined;
  try {
    const tasks = await joinAgents(await controlPlane.access(), count, intervalSeconds, say);
    const memoryWithoutAgents = memoryOf(controlPlane);
    generator = Generator.start(tasks);
    say(`${count} agents check in for the first time, spread over ${intervalSeconds} s`);
    await sleep(intervalSeconds * 1_000);
    await generator.collect();
    const run = { controlPlane, generator, count };
    say(`steady state, ${seconds} s`);
    const steady = await phase('each minute', run, () => sleep(seconds * 1_000));
    say(`the control plane is away for ${outageSeconds} s`);
    await controlPlane.halt();
    await sleep(outageSeconds * 1_000);
    await controlPlane.resume();
    let afterOutage = 0;
    const outage = await phase(`after ${outageSeconds} s without control plane`, run, async (records) => {
      afterOutage = await untilAllAreBack(run, records);
    });
    say('all agents at one moment');
    let afterRush = 0;
    const rush = await phase('all at one moment, each with a new connection', run, async (records) => {
      run.generator.rush();
      afterRush = await untilAllAreBack(run, records);
    });
    return {
      phases: [steady, outage, rush],
      memoryWithoutAgents,
      allBack: { outage: afterOutage / 1_000, rush: afterRush / 1_000 },
    };
  } finally {
    await generator?.stop();
    await controlPlane.stop();
  }
}

interface Run {
  controlPlane: ControlPlane;
  generator: Generator;
  count: number;
}

/** Measures while `work` goes on. What `work` collects meanwhile goes into `records`. */
async function phase(
  name: string,
  { controlPlane, generator }: Run,
  work: (records: CheckInRecord[]) => Promise<void>,
): Promise<Phase> {
  const records: CheckInRecord[] = [];
  const { pid } = controlPlane;
  const before = cpuSeconds([pid]);
  const began = performance.now();
  await work(records);
  const used = cpuSeconds([pid]) - before;
  const seconds = (performance.now() - began) / 1_000;
  records.push(...(await generator.collect()));
  if (!controlPlane.running) throw new Error(`the control plane ended:\n${controlPlane.output}`);
  return {
    name,
    seconds,
    ...summarize(records),
    cpuShare: used / seconds,
    memory: memoryOf(controlPlane),
  };
}

/** Waits until each agent has had an answer since now; resolves to the milliseconds. */
async function untilAllAreBack(
  { generator, count, controlPlane }: Run,
  records: CheckInRecord[],
): Promise<number> {
  const since = Date.now();
  for (;;) {
    records.push(...(await generator.collect()));
    const after = allAnsweredAfter(records, count, since);
    if (after !== undefined) return after;
    if (Date.now() - since > patienceSeconds * 1_000)
      throw new Error(`not all agents came back within ${patienceSeconds} s:\n${controlPlane.output}`);
    await sleep(250);
  }
}

function memoryOf({ pid }: ControlPlane): number {
  return proportionalSetSize([pid]) / 1_024;
}

function report({ clients, database }: BenchmarkOptions, outcome: Outcome): BenchmarkReport {
  const refusals = (phase: Phase) =>
    Object.entries(phase.refusals)
      .map(([what, times]) => `${times} × ${what}`)
      .join(', ') || 'none';
  const table = markdownTable(
    [
      'check-ins',
      'answered',
      's',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'longest ms',
      'CPU of one core',
      'memory MiB',
      'not answered',
    ],
    outcome.phases.map((phase) => [
      phase.name,
      String(phase.answered),
      phase.seconds.toFixed(0),
      phase.p50.toFixed(1),
      phase.p95.toFixed(1),
      phase.p99.toFixed(1),
      phase.longest.toFixed(0),
      `${(phase.cpuShare * 100).toFixed(1)} %`,
      phase.memory.toFixed(0),
      refusals(phase),
    ]),
  );
  const { outage, rush } = outcome.allBack;
  return {
    benchmark: 'fleet',
    markdown: [
      `${clients} agents with a certificate each, over mutual TLS; each checks in every ${intervalSeconds} s with all metrics and has one held request. Database: ${database}.`,
      'The agents run in processes of their own on the same cores; their CPU is not counted. A time begins before the connection is made.',
      '',
      table,
      '',
      `Until every agent had an answer: ${outage.toFixed(1)} s after the control plane was back, ${rush.toFixed(1)} s after all came at one moment.`,
      `Memory of the control plane before the agents came: ${outcome.memoryWithoutAgents.toFixed(0)} MiB.`,
    ].join('\n'),
    results: { phases: outcome.phases, allBackSeconds: outcome.allBack },
    samples: outcome,
  };
}

import { ControlPlane } from '@culvert/lab/control-plane/control-plane.ts';
import { type PostgresqlServer, startPostgresql } from '@culvert/lab/database/postgresql.ts';
import { undoAtExit } from '@culvert/lab/system/cleanup.ts';
import { cpuSeconds, processTree, proportionalSetSize } from '@culvert/lab/system/process-tree.ts';
import { markdownTable } from '../markdown.ts';
import type { BenchmarkOptions, BenchmarkReport } from '../report.ts';
import { formatSpread, spread } from '../statistics.ts';
import type { Target } from './connection.ts';
import { fullLoad, type Measured, steadyLoad, type Walk } from './load.ts';
import { createObjects, reportedStates } from './objects.ts';
import { listPages } from './pages.ts';

const starts = 5;
const steadyRate = 1_000;
const connections = 16;
const warmUpSeconds = 3;

interface Sample extends Measured {
  pages: string;
  load: 'full' | 'steady';
  /** Milliseconds of CPU for a page, of the control plane and of the database. */
  cpu: { controlPlane: number; database: number };
}

/** List pages of sites and servers over PostgreSQL, and the first start with SQLite. */
export async function benchControlPlane(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const startTimes = await firstStarts(options);
  const postgresql = await startPostgresql();
  const forget = undoAtExit(() => process.kill(postgresql.pid, 'SIGQUIT'));
  try {
    const { samples, memory } = await measurePages(postgresql, options);
    return report(options, startTimes, samples, memory);
  } finally {
    forget();
    await postgresql.remove();
  }
}

async function firstStarts({ say }: BenchmarkOptions): Promise<number[]> {
  const times: number[] = [];
  for (let round = 1; round <= starts; round += 1) {
    say(`first start ${round} of ${starts}`);
    const controlPlane = await ControlPlane.start();
    times.push(controlPlane.startMilliseconds);
    await controlPlane.stop();
  }
  return times;
}

async function measurePages(postgresql: PostgresqlServer, { say, seconds }: BenchmarkOptions) {
  postgresql.execute('postgres', 'create database bench');
  const controlPlane = await ControlPlane.start(postgresql.url('bench'));
  try {
    const target = await controlPlane.access();
    const largeSites = await createObjects(target, say);
    postgresql.execute('bench', reportedStates);
    const memoryKilobytes = () => proportionalSetSize([controlPlane.pid]);
    const before = memoryKilobytes();
    const cpu = () => ({
      controlPlane: cpuSeconds([controlPlane.pid]),
      database: cpuSeconds(processTree([postgresql.pid])),
    });
    const pages = listPages(largeSites);
    const samples: Sample[] = [];
    for (const [name, walk] of Object.entries(pages)) {
      say(`${name}, full load`);
      samples.push(await sample(name, 'full', cpu, () => measureFull(target, walk, seconds)));
    }
    const [name, walk] = Object.entries(pages).at(-1) ?? [];
    if (name === undefined || walk === undefined) throw new Error('there are no pages');
    say(`${name}, ${steadyRate} pages a second`);
    samples.push(
      await sample(name, 'steady', cpu, () => steadyLoad(target, walk, connections, seconds * 2, steadyRate)),
    );
    return { samples, memory: { before, after: memoryKilobytes() } };
  } finally {
    await controlPlane.stop();
  }
}

async function measureFull(target: Target, walk: Walk, seconds: number): Promise<Measured> {
  await fullLoad(target, walk, connections, warmUpSeconds);
  return fullLoad(target, walk, connections, seconds);
}

type Cpu = Sample['cpu'];

/** A measurement with what it cost. The warm-up is in both, so the cost of a page is a little more than it says. */
async function sample(
  pages: string,
  load: Sample['load'],
  cpu: () => Cpu,
  measure: () => Promise<Measured>,
): Promise<Sample> {
  const before = cpu();
  const began = performance.now();
  const measured = await measure();
  const count = (measured.pagesPerSecond * (performance.now() - began)) / 1_000;
  const after = cpu();
  const perPage = (used: number) => (used * 1_000) / count;
  return {
    pages,
    load,
    ...measured,
    cpu: {
      controlPlane: perPage(after.controlPlane - before.controlPlane),
      database: perPage(after.database - before.database),
    },
  };
}

function report(
  { seconds }: BenchmarkOptions,
  startTimes: readonly number[],
  samples: readonly Sample[],
  memory: { before: number; after: number },
): BenchmarkReport {
  const table = markdownTable(
    ['list', 'load', 'pages/s', 'p50 ms', 'p99 ms', 'kB a page', 'CPU ms a page', 'of the database'],
    samples.map((one) => [
      one.pages,
      one.load === 'full' ? `${connections} connections, full` : `${steadyRate}/s`,
      one.pagesPerSecond.toFixed(0),
      one.p50.toFixed(1),
      one.p99.toFixed(1),
      (one.bytesPerPage / 1_000).toFixed(0),
      one.cpu.controlPlane.toFixed(2),
      one.cpu.database.toFixed(2),
    ]),
  );
  const megabytes = (kilobytes: number) => (kilobytes / 1_024).toFixed(0);
  const start = spread(startTimes);
  return {
    benchmark: 'control-plane',
    markdown: [
      `1,000 sites and 10,000 servers in PostgreSQL, pages of 100 over HTTPS, ${seconds} s each; client, control plane and database share the cores.`,
      'At the steady rate the clock of a request starts when it is due.',
      '',
      table,
      '',
      `First start to \`/readyz\` with SQLite, median (range) of ${starts}: ${formatSpread(start, 0)} ms.`,
      `Memory of the control plane: ${megabytes(memory.before)} MiB before the load, ${megabytes(memory.after)} MiB after it.`,
    ].join('\n'),
    results: { start, memory },
    samples: { startTimes, samples },
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '@culvert/lab/lab.ts';
import type { ServerKind } from '@culvert/lab/server/server.ts';
import { proportionalSetSize } from '@culvert/lab/system/process-tree.ts';
import { dismiss, gather } from './crowd.ts';
import { markdownTable } from './markdown.ts';
import type { BenchmarkOptions, BenchmarkReport } from './report.ts';
import { serverNames, sideBySide } from './side-by-side.ts';

interface Row {
  server: ServerKind;
  sessions: number;
  processes: number;
  /** kB of proportional set size. */
  before: number;
  after: number;
  perSession: number;
}

/** Time for handshakes to end and for memory of the sign-ins to be given back. */
const settleMilliseconds = 5_000;

async function measureMemory(lab: Lab, sessions: number): Promise<Row> {
  // The first sign-in loads code and grows heaps; it is not a session's share.
  await dismiss(await gather(lab, 1));
  await sleep(settleMilliseconds);
  const before = proportionalSetSize(lab.server.processes());
  const clients = await gather(lab, sessions);
  await sleep(settleMilliseconds);
  const processes = lab.server.processes();
  const after = proportionalSetSize(processes);
  const left = clients.filter((client) => !client.process.running).length;
  if (left > 0) throw new Error(`${left} of ${sessions} clients did not stay connected`);
  await dismiss(clients);
  return {
    server: lab.server.kind,
    sessions,
    processes: processes.length,
    before,
    after,
    perSession: (after - before) / sessions,
  };
}

/** Memory of connected sessions. */
export async function benchSessions(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const settings = { gateway: { maximumSessionsPerAccount: 64_000 } };
  const rows: Row[] = [];
  await sideBySide(options.servers, settings, async (labs) => {
    for (const lab of labs.values()) {
      options.say(`${options.clients} clients connect to ${lab.server.kind}`);
      rows.push(await measureMemory(lab, options.clients));
    }
  });
  const table = markdownTable(
    ['server', 'sessions', 'processes', 'before, MB', 'after, MB', 'kB per session'],
    rows.map((row) => [
      serverNames[row.server],
      String(row.sessions),
      String(row.processes),
      (row.before / 1000).toFixed(1),
      (row.after / 1000).toFixed(1),
      row.perSession.toFixed(1),
    ]),
  );
  return {
    benchmark: 'sessions',
    markdown: [
      `${options.clients} stock clients with TLS and DTLS, idle. Memory is the proportional set size of all processes of the server; kernel memory (sockets, tun devices) is left out for both.`,
      '',
      table,
    ].join('\n'),
    results: rows,
    samples: rows,
  };
}

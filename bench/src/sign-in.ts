import { Client } from '@culvert/lab/client/client.ts';
import type { Lab } from '@culvert/lab/lab.ts';
import type { ServerKind } from '@culvert/lab/server/server.ts';
import { cpuSeconds, threadCpuSeconds } from '@culvert/lab/system/process-tree.ts';
import { inParallel } from './crowd.ts';
import { markdownTable } from './markdown.ts';
import type { BenchmarkOptions, BenchmarkReport } from './report.ts';
import { orderOfRound, serverNames, sideBySide } from './side-by-side.ts';
import { formatSpread, type Spread, spread } from './statistics.ts';

/** Connects that run at the same time. */
const together = 2;

/** Connects before the first that counts. */
const warmUp = 50;

/** Node hashes passwords in these threads; besides that they only write lines of the access log. */
const passwordThreads = 'libuv-worker';

interface Sample {
  server: ServerKind;
  /** The whole connect, the hashing of the password included. */
  cpuMilliseconds: number;
  /** The part of the threads that hash passwords; 0 for a server that has none. */
  passwordMilliseconds: number;
}

interface Row {
  server: ServerKind;
  cpuMilliseconds: Spread;
  passwordMilliseconds: Spread;
  restMilliseconds: Spread;
}

/** CPU of the server for one whole connect: TLS, sign-in, CONNECT, goodbye. */
async function measureSignIns(lab: Lab, count: number): Promise<Sample> {
  const processes = lab.server.processes();
  const before = { all: cpuSeconds(processes), password: threadCpuSeconds(processes, passwordThreads) };
  await inParallel(
    Array.from({ length: count }, (_, index) => index),
    together,
    async () => {
      const client = await Client.connect(lab.clientOptions({ dtls: false, scriptTun: 'sleep 600' }), 60_000);
      await client.logOut();
    },
  );
  const after = lab.server.processes();
  const perConnect = (seconds: number) => (seconds / count) * 1000;
  return {
    server: lab.server.kind,
    cpuMilliseconds: perConnect(cpuSeconds(after) - before.all),
    passwordMilliseconds: perConnect(threadCpuSeconds(after, passwordThreads) - before.password),
  };
}

/** CPU of the server for one sign-in. */
export async function benchSignIn(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const samples: Sample[] = [];
  await sideBySide(options.servers, { gateway: { maximumSessionsPerAccount: 64_000 } }, async (labs) => {
    // Code that runs for the first time is slower, in both.
    for (const [, lab] of labs) await measureSignIns(lab, warmUp);
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [, lab] of orderOfRound([...labs], round)) {
        options.say(
          `round ${round + 1} of ${options.rounds}: ${options.clients} connects, ${lab.server.kind}`,
        );
        samples.push(await measureSignIns(lab, options.clients));
      }
    }
  });
  const rows = options.servers.map((server): Row => {
    const own = samples.filter((one) => one.server === server);
    return {
      server,
      cpuMilliseconds: spread(own.map((one) => one.cpuMilliseconds)),
      passwordMilliseconds: spread(own.map((one) => one.passwordMilliseconds)),
      restMilliseconds: spread(own.map((one) => one.cpuMilliseconds - one.passwordMilliseconds)),
    };
  });
  const table = markdownTable(
    ['server', 'CPU ms per connect', 'of it argon2id', 'the rest'],
    rows.map((row) => [
      serverNames[row.server],
      formatSpread(row.cpuMilliseconds, 1),
      row.passwordMilliseconds.median === 0 ? '–' : formatSpread(row.passwordMilliseconds, 1),
      formatSpread(row.restMilliseconds, 1),
    ]),
  );
  return {
    benchmark: 'sign-in',
    markdown: [
      `${options.clients} whole connects of a stock client (TLS, password, CONNECT, goodbye), ${together} at a time, ${options.rounds} rounds in turn; median (range).`,
      'ocserv hashes passwords with crypt(3); Culvert with argon2id, whose cost is wanted: it is what the threads use in which Node hashes passwords, and is shown apart.',
      '',
      table,
    ].join('\n'),
    results: rows,
    samples,
  };
}

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from '@culvert/lab/client/client.ts';
import type { Lab } from '@culvert/lab/lab.ts';
import { Culvert } from '@culvert/lab/server/culvert.ts';
import type { ServerKind } from '@culvert/lab/server/server.ts';
import { execute } from '@culvert/lab/system/command.ts';
import { cpuSeconds } from '@culvert/lab/system/process-tree.ts';
import { inParallel } from './crowd.ts';
import { markdownTable } from './markdown.ts';
import type { BenchmarkOptions, BenchmarkReport } from './report.ts';
import { orderOfRound, serverNames, sideBySide } from './side-by-side.ts';
import { formatSpread, type Spread, spread } from './statistics.ts';

/** Connects that run at the same time. */
const together = 2;

interface Sample {
  server: ServerKind;
  cpuMilliseconds: number;
}

interface Row {
  server: ServerKind;
  cpuMilliseconds: Spread;
  /** What hashing the password alone costs; undefined where it cannot be taken out. */
  passwordMilliseconds: number | undefined;
}

/** CPU of the server for one whole connect: TLS, sign-in, CONNECT, goodbye. */
async function measureSignIns(lab: Lab, count: number): Promise<Sample> {
  const before = cpuSeconds(lab.server.processes());
  await inParallel(
    Array.from({ length: count }, (_, index) => index),
    together,
    async () => {
      const client = await Client.connect(lab.clientOptions({ dtls: false, scriptTun: 'sleep 600' }), 60_000);
      await client.logOut();
    },
  );
  const used = cpuSeconds(lab.server.processes()) - before;
  return { server: lab.server.kind, cpuMilliseconds: (used / count) * 1000 };
}

/** CPU of one argon2id hash with the parameters that the product wrote into its file of accounts. */
async function passwordMilliseconds(lab: Lab): Promise<number | undefined> {
  if (!(lab.server instanceof Culvert)) return undefined;
  const accounts = readFileSync(lab.server.accountsFile, 'utf8');
  const [, memory, passes, parallelism] = /\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(accounts) ?? [];
  if (memory === undefined || passes === undefined || parallelism === undefined) {
    throw new Error('the file of accounts does not show argon2 parameters');
  }
  const program = fileURLToPath(new URL('argon2.ts', import.meta.url));
  const { stdout } = await execute([process.execPath, program, memory, passes, parallelism]);
  return Number(stdout);
}

/** CPU of the server for one sign-in. */
export async function benchSignIn(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const samples: Sample[] = [];
  const hashing = new Map<ServerKind, number | undefined>();
  await sideBySide(options.servers, { gateway: { maximumSessionsPerAccount: 64_000 } }, async (labs) => {
    for (const [kind, lab] of labs) {
      hashing.set(kind, await passwordMilliseconds(lab));
      // Code that runs for the first time is slower.
      await measureSignIns(lab, 4);
    }
    for (let round = 0; round < options.rounds; round += 1) {
      for (const [, lab] of orderOfRound([...labs], round)) {
        options.say(
          `round ${round + 1} of ${options.rounds}: ${options.clients} connects, ${lab.server.kind}`,
        );
        samples.push(await measureSignIns(lab, options.clients));
      }
    }
  });
  const rows = options.servers.map(
    (server): Row => ({
      server,
      cpuMilliseconds: spread(
        samples.filter((one) => one.server === server).map((one) => one.cpuMilliseconds),
      ),
      passwordMilliseconds: hashing.get(server),
    }),
  );
  const table = markdownTable(
    ['server', 'CPU ms per connect', 'argon2id alone, ms', 'CPU ms without it'],
    rows.map(({ server, cpuMilliseconds, passwordMilliseconds: hash }) => [
      serverNames[server],
      formatSpread(cpuMilliseconds, 1),
      hash === undefined ? '–' : hash.toFixed(1),
      hash === undefined ? '–' : (cpuMilliseconds.median - hash).toFixed(1),
    ]),
  );
  return {
    benchmark: 'sign-in',
    markdown: [
      `${options.clients} whole connects of a stock client (TLS, password, CONNECT, goodbye), ${together} at a time, ${options.rounds} rounds in turn; median (range).`,
      'ocserv hashes passwords with crypt(3); Culvert with argon2id, whose cost is wanted, so it is shown apart.',
      '',
      table,
    ].join('\n'),
    results: rows,
    samples,
  };
}

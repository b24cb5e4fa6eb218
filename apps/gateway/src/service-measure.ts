/**
 * Measures CPU per whole sign-in (init, reply, CONNECT; no argon2) and heap per idle session:
 * `node --expose-gc apps/gateway/src/service-measure.ts [sign-ins]`. The devices run in a process of their own.
 */
import { fork } from 'node:child_process';
import { argv, cpuUsage, memoryUsage, stdout } from 'node:process';
import { RelayedConnection } from './http/relay-testing.ts';
import {
  connectRequest,
  cookieOf,
  initBody,
  opaqueOf,
  post,
  replyBody,
  startService,
} from './service-testing.ts';

const total = Number(argv[2] ?? 4000);
const warmUp = 1000;
const parallel = 8;

async function device(path: string, first: number, count: number): Promise<void> {
  for (let index = first; index < first + count; index += 1) {
    const connection = new RelayedConnection(path, { connection: index + 1 });
    const form = await connection.request(post(initBody()));
    const reply = replyBody(opaqueOf(form.body), `user${index}`, 'correct horse');
    const done = await connection.request(post(reply, { path: '/auth' }));
    connection.write(connectRequest(cookieOf(done.body)));
    // The engine would close the connection; here the device does after its CONNECT was taken.
    connection.socket.end();
    await connection.untilClosed();
  }
}

async function devices(path: string, first: number, count: number): Promise<void> {
  const share = Math.ceil(count / parallel);
  await Promise.all(Array.from({ length: parallel }, (_, lane) => device(path, first + lane * share, share)));
}

if (argv[2] === 'devices') {
  await devices(argv[3] ?? '', Number(argv[4]), Number(argv[5]));
} else {
  const service = await startService({ server: { network: '10.0.0.0/16' } });
  service.engine.attachments = [];
  const run = (first: number, count: number) =>
    new Promise<void>((resolve) => {
      const child = fork(import.meta.filename, ['devices', service.path, String(first), String(count)]);
      child.on('exit', () => resolve());
    });
  await run(0, warmUp);
  const sessionsBefore = service.service.counters().sessions ?? 0;
  const collect = () => {
    service.engine.attachments.length = 0;
    service.engine.attached.clear();
    globalThis.gc?.();
    globalThis.gc?.();
    return memoryUsage();
  };
  const memoryBefore = collect();
  const cpuBefore = cpuUsage();
  const began = performance.now();
  await run(warmUp * 2, total);
  const cpu = cpuUsage(cpuBefore);
  const seconds = (performance.now() - began) / 1000;
  await new Promise((resolve) => setTimeout(resolve, 11_000));
  const memoryAfter = collect();
  const sessions = (service.service.counters().sessions ?? 0) - sessionsBefore;
  const perSession = (before: number, after: number) => Math.round((after - before) / sessions);
  stdout.write(
    `${sessions} sign-ins in ${seconds.toFixed(1)} s; CPU per sign-in ${((cpu.user + cpu.system) / 1000 / sessions).toFixed(3)} ms ` +
      `(user ${(cpu.user / 1000 / sessions).toFixed(3)}, system ${(cpu.system / 1000 / sessions).toFixed(3)}); ` +
      `heap per session ${perSession(memoryBefore.heapUsed, memoryAfter.heapUsed)} bytes, ` +
      `external ${perSession(memoryBefore.external, memoryAfter.external)}\n`,
  );
  stdout.write(`${JSON.stringify(service.service.counters())}\n`);
  await service.close();
}

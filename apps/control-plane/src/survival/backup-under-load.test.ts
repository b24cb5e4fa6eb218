import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { runProgram } from '../administration/program.ts';
import { openDatabase } from '../database/open.ts';
import { emptyDatabase } from '../testing/databases.ts';
import { ControlPlaneProcess } from '../testing/process.ts';
import { writeAndKill } from './writers.ts';

async function command(...parameters: string[]): Promise<{ status: number; output: string }> {
  let output = '';
  const keep = (text: string) => {
    output += `${text}\n`;
  };
  const status = await runProgram(parameters, { print: keep, complain: keep });
  return { status, output };
}

/** Objects whose version is not the number of their audit entries, and entries without an object; none in a consistent state. */
const halfDone = sql<{ name: string }>`
  select c.display_name as name from server_configurations c
    where c.version <> (select count(*) from audit_entries e where e.object_id = c.id)
  union all
  select e.object_name as name from audit_entries e
    where e.action = 'microsoftTunnelConfiguration.create'
      and not exists (select 1 from server_configurations c where c.id = e.object_id)
      and not exists (select 1 from audit_entries d
        where d.object_id = e.object_id and d.action = 'microsoftTunnelConfiguration.delete')`;

test.each([
  ['sqlite', 'postgresql'],
  ['postgresql', 'sqlite'],
] as const)(
  'a backup of %s in the midst of writing is consistent, restored on %s',
  { timeout: 60_000 },
  async (from, to) => {
    const place = await emptyDatabase(from);
    const target = await emptyDatabase(to);
    const controlPlane = await ControlPlaneProcess.prepare(place.url);
    await controlPlane.useToken();
    const restored = await ControlPlaneProcess.prepare(target.url, { sibling: controlPlane });
    try {
      await controlPlane.start();
      const writing = writeAndKill(controlPlane, 'load', { writers: 4, changes: 150, moment: 0 });
      for (let round = 0; round < 3; round += 1) {
        const file = join(controlPlane.directory, `${round}.backup`);
        expect(await command('backup', file, '--config', controlPlane.configurationFile)).toMatchObject({
          status: 0,
        });
        const back = await command('restore', file, '--config', restored.configurationFile, '--yes');
        expect(back).toMatchObject({ status: 0 });
        const database = openDatabase(target.url);
        expect((await halfDone.execute(database.tables)).rows).toEqual([]);
        await database.close();
      }
      await writing;

      // The token of the one is in the database of the other, and so is everything else.
      await restored.start();
      const list = '/graph/beta/deviceManagement/microsoftTunnelConfigurations';
      expect((await restored.request('GET', list)).status).toBe(200);
      const file = join(controlPlane.directory, '0.backup');
      const refused = await command('restore', file, '--config', restored.configurationFile, '--yes');
      expect(refused).toEqual({
        status: 1,
        output: expect.stringContaining('a control plane runs on this database'),
      });
    } finally {
      await restored.end('SIGKILL');
      await controlPlane.remove();
      await place.remove();
      await target.remove();
    }
  },
);

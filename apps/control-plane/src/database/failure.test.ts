import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { newId } from '../database/identifier.ts';
import { registerRoles } from '../roles/routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { databaseFailure } from './failure.ts';

describeOnEachEngine('a failure of the database', (database) => {
  const role = (name: string) => ({
    id: newId(new Date()),
    version: 1,
    display_name: name,
    description: '',
    permissions: '[]',
    is_built_in: 0,
  });
  const failureOf = (work: Promise<unknown>) => work.then(() => 'none', databaseFailure);

  test('a value that is taken names its columns', async () => {
    const { tables } = database();
    const first = role('Night watch');
    await tables.insertInto('roles').values(first).execute();
    const same = tables.insertInto('roles').values(role('Night watch')).execute();
    expect(await failureOf(same)).toEqual({ kind: 'taken', columns: ['display_name'] });
    const key = tables
      .insertInto('roles')
      .values({ ...role('Day watch'), id: first.id })
      .execute();
    expect(await failureOf(key)).toEqual({ kind: 'taken', columns: ['id'] });
    const assign = () =>
      tables
        .insertInto('role_assignments')
        .values({
          id: newId(new Date()),
          version: 1,
          role_id: first.id,
          member_kind: 'account',
          // What PostgreSQL writes into its error must not be taken for columns.
          member: 'x, y)=(z',
          scope_tag_ids: null,
        })
        .execute();
    await assign();
    expect(await failureOf(assign())).toEqual({
      kind: 'taken',
      columns: ['member_kind', 'member', 'role_id'],
    });
  });

  test('a reference to nothing, and the end of what is referred to, are told apart from mistakes of ours', async () => {
    const { tables } = database();
    const used = role('Used');
    await tables.insertInto('roles').values(used).execute();
    const assignment = {
      id: newId(new Date()),
      version: 1,
      role_id: used.id,
      member_kind: 'account',
      member: 'm',
      scope_tag_ids: null,
    };
    await tables.insertInto('role_assignments').values(assignment).execute();
    const gone = tables.deleteFrom('roles').where('id', '=', used.id).execute();
    expect(await failureOf(gone)).toEqual({ kind: 'referenced' });
    const nothing = tables
      .insertInto('role_assignments')
      .values({ ...assignment, id: newId(new Date()), member: 'n', role_id: 'none' })
      .execute();
    expect(await failureOf(nothing)).toEqual({ kind: 'referenced' });
    expect(await failureOf(sql`select nonsense`.execute(tables))).toBeUndefined();
  });

  test('a role with a taken name is refused with 409 that names the field', async () => {
    const caller = new GraphCaller(await testApplication(new TestContext(database()), registerRoles));
    const body = { displayName: 'Readers', permissions: ['Culvert_Audit_Read'] };
    expect((await caller.post('/api/v1/roles', body)).status).toBe(201);
    const refused = await caller.post('/api/v1/roles', body);
    expect([refused.status, refused.body.error.code]).toEqual([409, 'Conflict']);
    expect(refused.body.error.details).toEqual([
      { code: 'InvalidField', target: 'displayName', message: 'is taken; choose another' },
    ]);
  });
});

test.each([
  ['40001', 'contended'],
  ['40P01', 'contended'],
  ['55P03', 'contended'],
  ['57P01', 'unavailable'],
  ['57P03', 'unavailable'],
  ['57014', 'unavailable'],
  ['08006', 'unavailable'],
  ['53300', 'unavailable'],
  ['53100', 'full'],
  ['25006', 'readOnly'],
  ['ECONNREFUSED', 'unavailable'],
])('the code %s means %s', (code, kind) => {
  expect(databaseFailure(Object.assign(new Error('x'), { code }))).toEqual({ kind });
});

test('a socket that is not there is a database that does not answer, and another file is not', async () => {
  const failed = await new Promise<Error>((resolve) => {
    connect({ path: '/none/.s.PGSQL.5432' }).on('error', resolve);
  });
  expect(databaseFailure(failed)).toEqual({ kind: 'unavailable' });
  expect(await stat('/none/logs.tar.gz').then(() => 'there', databaseFailure)).toBeUndefined();
});

import { WorkLimit } from '@culvert/passwords/work-limit.ts';
import { beforeEach, expect, test } from 'vitest';
import { ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { TestContext } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { findAccount } from './account.ts';
import { assign, from, goodPassword, goodPasswordMark, makeAccount } from './account-testing.ts';
import { ensureFirstAdministrator } from './first-administrator.ts';
import { changePassword } from './passwords.ts';
import { checkPassword, nextStep } from './sign-in.ts';

describeOnEachEngine('signing in with a password', (database) => {
  let context: TestContext;
  let counter = 0;
  let userName = '';

  beforeEach(async () => {
    context = new TestContext(database());
    await database().tables.deleteFrom('sign_in_throttle').execute();
    counter += 1;
    userName = `user${counter}`;
  });

  const failures = (name: string) =>
    database()
      .tables.selectFrom('audit_entries')
      .selectAll()
      .where('action', '=', 'signIn')
      .where('outcome', '=', 'failure')
      .where('actor_name', '=', name)
      .orderBy('id')
      .execute();
  const tryPassword = (password: string) => checkPassword(context, userName, password, from());

  test('the right password is accepted, whatever the case and width of the name', async () => {
    const id = await makeAccount(context, userName);
    for (const typed of [userName, userName.toUpperCase(), ` ${userName}`, userName.replace('u', 'ｕ')]) {
      expect(await checkPassword(context, typed, goodPassword, from())).toMatchObject({
        kind: 'accepted',
        account: { id, userName, isEnabled: true, hasSecondFactor: false },
      });
    }
    expect(await failures(userName)).toEqual([]);
  });

  test('an unknown name, a wrong password, a disabled account and a huge password look the same', async () => {
    await makeAccount(context, userName);
    await makeAccount(context, `${userName}-disabled`, { is_enabled: 0 });
    const answers = [
      await checkPassword(context, `${userName}-nobody`, goodPassword, from()),
      await checkPassword(context, userName, 'wrong', from()),
      await checkPassword(context, userName, '', from()),
      await checkPassword(context, userName, 'x'.repeat(100_000), from()),
      await checkPassword(context, `${userName}-disabled`, goodPassword, from()),
    ];
    expect(answers).toEqual(answers.map(() => ({ kind: 'refused' })));
    const reasons = async (name: string) => (await failures(name)).map(({ detail }) => detail);
    expect(await reasons(`${userName}-nobody`)).toEqual(['there is no local account of this name']);
    expect(await reasons(`${userName}-disabled`)).toEqual(['the account is disabled']);
    expect(await reasons(userName)).toEqual(['wrong password', 'wrong password', 'wrong password']);
  });

  test('every failed attempt hashes once, so that none is told by its time', async () => {
    await makeAccount(context, userName);
    const { run } = context.passwordWork;
    let hashed = 0;
    context.passwordWork.run = function counted(task) {
      hashed += 1;
      return run.call(context.passwordWork, task) as never;
    };
    await checkPassword(context, 'nobody at all', goodPassword, from());
    await checkPassword(context, userName, 'wrong', from());
    await checkPassword(context, userName, 'x'.repeat(1_000), from());
    await checkPassword(context, userName, '', from());
    expect(hashed).toBe(4);
  });

  test('the audit log keeps a typed name short and without control characters', async () => {
    const typed = `\u001b[31m${userName}\n\u202e${'x'.repeat(300)}`;
    await checkPassword(context, typed, 'wrong', from());
    const [entry] = await failures(`[31m${userName}${'x'.repeat(300)}`.slice(0, 100));
    expect(entry).toMatchObject({ actor_kind: 'anonymous', address: '192.0.2.7', request_id: 'request' });
  });

  test('a new password must follow the rules and ends the duty to change', async () => {
    const id = await makeAccount(context, userName, { must_change_password: 1 });
    const actor = { kind: 'user', id, name: userName } as const;
    const change = (password: string) =>
      changePassword(context, { accountId: id, passwordMark: goodPasswordMark, password, actor });
    expect(await change(goodPassword)).toEqual({ ok: false, message: 'passwordIsOld' });
    expect(await change('short')).toEqual({ ok: false, message: 'passwordTooShort' });
    const before = await findAccount(database().tables, id);
    expect(before === undefined ? '' : nextStep(before, { code: false })).toBe('newPassword');
    expect(await change('eleven wide rivers')).toMatchObject({ ok: true });
    expect(await findAccount(database().tables, id)).toMatchObject({ mustChangePassword: false });
    expect((await tryPassword(goodPassword)).kind).toBe('refused');
    expect((await tryPassword('eleven wide rivers')).kind).toBe('accepted');
  });

  test.each(['before the change begins', 'while the new password is hashed'])(
    'reset-meanwhile: a password that an administrator gave %s stays',
    async (when) => {
      const id = await makeAccount(context, userName);
      const actor = { kind: 'user', id, name: userName } as const;
      const reset = async () => {
        const given = { password_hash: 'of the administrator', must_change_password: 1 };
        await database().tables.updateTable('accounts').set(given).where('id', '=', id).execute();
      };
      class InterruptedWork extends WorkLimit {
        override async run<Result>(task: () => Promise<Result>): Promise<Result | 'busy'> {
          await reset();
          return super.run(task);
        }
      }
      if (when.startsWith('before')) await reset();
      const passwordWork = new InterruptedWork({ concurrent: 1, waiting: 1 });
      const change = { accountId: id, passwordMark: goodPasswordMark, password: 'eleven wide rivers', actor };
      await expect(changePassword({ ...context, passwordWork }, change)).rejects.toThrow('changed meanwhile');
      const columns = ['password_hash', 'must_change_password'] as const;
      expect(
        await database()
          .tables.selectFrom('accounts')
          .select(columns)
          .where('id', '=', id)
          .executeTakeFirst(),
      ).toEqual({ password_hash: 'of the administrator', must_change_password: 1 });
    },
  );
});

describeOnEachEngine('the first administrator', (database) => {
  test('is made once, by whichever replica is first, and must change the password', async () => {
    const context = new TestContext(database());
    await ensureBuiltInRoles(database());
    const made = await Promise.all([1, 2, 3].map(() => ensureFirstAdministrator(context)));
    const [first] = made.filter((one) => one !== undefined);
    expect(made.filter((one) => one !== undefined)).toHaveLength(1);
    expect(await ensureFirstAdministrator(context)).toBeUndefined();
    expect(await checkPassword(context, 'admin', first?.password ?? '', from())).toMatchObject({
      kind: 'accepted',
      account: { userName: 'admin', mustChangePassword: true },
    });
    const assignments = await database().tables.selectFrom('role_assignments').selectAll().execute();
    expect(assignments).toMatchObject([
      { role_id: 'administrator', member_kind: 'account', scope_tag_ids: null },
    ]);
    const entries = await database().tables.selectFrom('audit_entries').selectAll().execute();
    expect(JSON.stringify(entries)).not.toContain(first?.password);
  });

  test('does not come back when somebody else is there', async () => {
    const context = new TestContext(database());
    await database().tables.deleteFrom('accounts').execute();
    const id = await makeAccount(context, 'somebody');
    await assign(context, 'account', id, 'administrator');
    expect(await ensureFirstAdministrator(context)).toBeUndefined();
  });
});

import { beforeEach, expect, test } from 'vitest';
import { TestContext } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { type Account, findAccount } from './account.ts';
import { from, makeAccount } from './account-testing.ts';
import { attempt } from './attempt.ts';
import { completeSignIn } from './sign-in.ts';
import { purgeThrottle } from './throttle.ts';

const minute = 60_000;

describeOnEachEngine('the throttle of sign-ins', (database) => {
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
      .where('outcome', '=', 'failure')
      .where('actor_name', '=', name)
      .orderBy('id')
      .execute();
  const fail = (address?: string, name = userName) =>
    attempt(context, name, from(address), async () => ({ refusal: 'wrong password' }));
  const succeed = (address?: string) => attempt(context, userName, from(address), async () => 'right');
  const somebody = async (): Promise<Account> => {
    const account = await findAccount(database().tables, await makeAccount(context, userName));
    if (account === undefined) throw new Error('no account');
    return account;
  };

  test('failures slow down, the wait is told, and the flood behind it is one entry and a number', async () => {
    for (let time = 0; time < 5; time += 1) expect((await fail()).kind).toBe('refused');
    for (let time = 0; time < 7; time += 1) {
      expect(await succeed()).toEqual({ kind: 'throttled', retryAfter: 1 });
    }
    const written = await failures(userName);
    expect(written.map(({ detail }) => detail).slice(4)).toEqual([
      'wrong password',
      'too many failures; turned away unseen',
    ]);
    context.pass(2_000);
    expect((await fail()).kind).toBe('refused');
    expect((await failures(userName)).at(-1)?.detail).toBe(
      'wrong password; before it 7 attempts were turned away unseen',
    );
    expect(await succeed()).toEqual({ kind: 'throttled', retryAfter: 2 });
    context.pass(2_000);
    expect((await succeed()).kind).toBe('accepted');
  });

  test('many attempts at the same time cannot pass under the count', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => fail()));
    const refused = answers.filter(({ kind }) => kind === 'refused').length;
    expect(refused).toBeGreaterThanOrEqual(1);
    expect(refused).toBeLessThanOrEqual(5);
  });

  test('right proofs at the same time leave no failures behind', async () => {
    await Promise.all([1, 2, 3, 4].map(() => succeed()));
    const rows = await database().tables.selectFrom('sign_in_throttle').select('failures').execute();
    expect(rows.map(({ failures: count }) => count)).toEqual([0, 0]);
  });

  test('an attacker at other addresses does not keep out an owner who has signed in from here before', async () => {
    const account = await somebody();
    await completeSignIn(context, account, 'password', from('198.51.100.1'));
    for (let host = 1; host <= 5; host += 1) {
      expect((await fail(`203.0.113.${host}`)).kind).toBe('refused');
    }
    expect((await fail('203.0.113.99')).kind).toBe('throttled');
    expect((await succeed('198.51.100.1')).kind).toBe('accepted');
  });

  test('a new address waits a minute at most, however long an attack has gone on', async () => {
    for (let host = 1; host <= 60; host += 1) {
      expect((await fail(`203.0.113.${host}`)).kind).toBe('refused');
      context.pass(minute);
    }
    expect((await fail('203.0.113.200')).kind).toBe('refused');
    expect(await succeed('198.51.100.2')).toEqual({ kind: 'throttled', retryAfter: 60 });
    context.pass(minute);
    expect((await succeed('198.51.100.2')).kind).toBe('accepted');
  });

  test('one address cannot go through many names, and its whole /64 counts as one', async () => {
    for (let name = 0; name < 10; name += 1) {
      const address = `2001:db8::${(name + 1).toString(16)}`;
      expect((await fail(address, `${userName}-${name}`)).kind).toBe('refused');
    }
    const next = (address: string) => fail(address, `${userName}-next`);
    expect((await next('2001:db8::ffff:1')).kind).toBe('throttled');
    expect((await next('2001:db8:0:1::1')).kind).toBe('refused');
  });

  test('a sign-in forgets the failures of the account, not those of the address', async () => {
    const account = await somebody();
    for (let time = 0; time < 3; time += 1) await fail();
    await completeSignIn(context, account, 'password', from());
    const rows = await database().tables.selectFrom('sign_in_throttle').selectAll().execute();
    expect(rows).toMatchObject([{ key: 'address 192.0.2.7', failures: 3 }]);
    const entry = await database()
      .tables.selectFrom('audit_entries')
      .selectAll()
      .where('action', '=', 'signIn')
      .where('outcome', '=', 'success')
      .where('object_id', '=', account.id)
      .executeTakeFirst();
    expect(entry).toMatchObject({ actor_kind: 'user', actor_id: account.id, detail: 'password' });
  });

  test('an attempt for which there is no room, or that breaks, counts for nothing', async () => {
    expect(await attempt(context, userName, from(), async () => 'busy')).toEqual({ kind: 'busy' });
    const broken = attempt(context, userName, from(), () => Promise.reject(new Error('broken')));
    await expect(broken).rejects.toThrow('broken');
    const rows = await database().tables.selectFrom('sign_in_throttle').select('failures').execute();
    expect(rows.map(({ failures: count }) => count)).toEqual([0, 0]);
    expect(await failures(userName)).toEqual([]);
  });

  test('counts that no longer matter are removed', async () => {
    await fail();
    const left = async () =>
      (await database().tables.selectFrom('sign_in_throttle').select('key').execute()).length;
    expect([await purgeThrottle(database().tables, context.now()), await left()]).toEqual([false, 2]);
    context.pass(61 * minute);
    expect([await purgeThrottle(database().tables, context.now(), 1), await left()]).toEqual([true, 1]);
    expect([await purgeThrottle(database().tables, context.now(), 2), await left()]).toEqual([false, 0]);
  });
});

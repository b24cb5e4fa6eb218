import { expect, test } from 'vitest';
import { SecretBox } from '../secrets/secret-box.ts';
import { TestContext } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { currentKeys } from './keys.ts';
import { ProviderSource } from './provider.ts';

const day = 86_400_000;

describeOnEachEngine('signing keys', (database) => {
  test('replicas that start together agree on one key, which stands sealed in the database', async () => {
    const replicas = Array.from({ length: 5 }, () => new TestContext(database()));
    const sets = await Promise.all(replicas.map(currentKeys));
    const [first] = sets.map(({ keys }) => keys());
    expect(first).toHaveLength(1);
    for (const { keys } of sets) expect(keys()).toEqual(first);
    const [row] = await database().tables.selectFrom('openid_keys').selectAll().execute();
    expect(JSON.stringify(row)).not.toContain(first?.[0]?.x);
    const entries = await database()
      .tables.selectFrom('audit_entries')
      .select('object_name')
      .where('action', '=', 'signingKey.create')
      .execute();
    expect(entries).toEqual([{ object_name: first?.[0]?.kid }]);
  });

  test('another secrets key does not open them', async () => {
    const context = { ...new TestContext(database()), secrets: new SecretBox(Buffer.alloc(32, 9)) };
    const { keys } = await currentKeys(context);
    expect(keys).toThrow('another key');
  });

  test('a provider that runs takes over the next key, and lets the old one go', async () => {
    const context = new TestContext(database());
    const source = new ProviderSource(context);
    const before = await source.current();
    expect(await source.current()).toBe(before);
    context.pass(89 * day);
    const published = await source.current();
    expect(published).not.toBe(before);
    expect((await currentKeys(context)).version).toBe('1,2');
    context.pass(day);
    expect((await currentKeys(context)).version).toBe('2,1');
    context.pass(day);
    expect((await currentKeys(context)).version).toBe('2');
    expect(await database().tables.selectFrom('openid_keys').select('sequence').execute()).toEqual([
      { sequence: 2 },
    ]);
  });
});

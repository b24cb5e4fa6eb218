import { expect, test } from 'vitest';
import { builtInRoles, ensureBuiltInRoles } from '../roles/built-in-roles.ts';
import { ensureDefaultTag } from '../scope-tags/known-tags.ts';
import { emptyDatabase } from '../testing/databases.ts';
import { openDatabase } from './open.ts';
import { prepareDatabase } from './prepare.ts';

test('replicas that start at once on PostgreSQL make what is always there, once', async () => {
  const place = await emptyDatabase('postgresql');
  const first = openDatabase(place.url, { isPatient: true });
  const replicas = [first, ...Array.from({ length: 5 }, () => openDatabase(place.url, { isPatient: true }))];
  try {
    await Promise.all(replicas.map(prepareDatabase));
    for (let round = 0; round < 50; round += 1) {
      await first.tables.deleteFrom('roles').execute();
      await first.tables.deleteFrom('scope_tags').execute();
      await Promise.all(
        replicas.flatMap((replica) => [ensureBuiltInRoles(replica), ensureDefaultTag(replica)]),
      );
      expect(await first.tables.selectFrom('roles').select('id').execute()).toHaveLength(builtInRoles.length);
      expect(await first.tables.selectFrom('scope_tags').select('id').execute()).toHaveLength(1);
    }
  } finally {
    await Promise.all(replicas.map((replica) => replica.close()));
    await place.remove();
  }
});

import { expect, test } from 'vitest';
import { describeOnEachEngine } from '../testing/databases.ts';
import { claimLease, leasesInForce, releaseLease, removeEndedLeases, restLease } from './lease.ts';

const minute = 60_000;
const longAgo = '2020-01-01T00:00:00.000Z';

describeOnEachEngine('a lease', (database) => {
  const expire = (name: string) =>
    database().tables.updateTable('leases').set({ expires_at: longAgo }).where('name', '=', name).execute();

  test('is held by one of many that claim it at the same time', async () => {
    const holders = Array.from({ length: 20 }, (_, index) => `holder-${index}`);
    const claims = await Promise.all(
      holders.map((holder) => claimLease(database(), 'crowd', holder, minute)),
    );
    expect(claims.filter((isHeld) => isHeld)).toHaveLength(1);
  });

  test('is prolonged by its holder and refused to others', async () => {
    expect(await claimLease(database(), 'one', 'a', minute)).toBe(true);
    expect(await claimLease(database(), 'one', 'a', minute)).toBe(true);
    expect(await claimLease(database(), 'one', 'b', minute)).toBe(false);
  });

  test('of a holder that died is taken over when its time is over', async () => {
    await claimLease(database(), 'dead', 'a', minute);
    await expire('dead');
    expect(await claimLease(database(), 'dead', 'b', minute)).toBe(true);
    expect(await claimLease(database(), 'dead', 'a', minute)).toBe(false);
  });

  test('that was given back can be claimed at once, and only its holder gives it back', async () => {
    await claimLease(database(), 'back', 'a', minute);
    await releaseLease(database(), 'back', 'b');
    expect(await claimLease(database(), 'back', 'b', minute)).toBe(false);
    await releaseLease(database(), 'back', 'a');
    expect(await claimLease(database(), 'back', 'b', minute)).toBe(true);
  });

  test('that rests is refused to everybody, its last holder included, until it is due', async () => {
    await claimLease(database(), 'rest', 'a', minute);
    await restLease(database(), 'rest', 'a', minute);
    expect(await claimLease(database(), 'rest', 'a', minute)).toBe(false);
    expect(await claimLease(database(), 'rest', 'b', minute)).toBe(false);
    await expire('rest');
    expect(await claimLease(database(), 'rest', 'a', minute)).toBe(true);
  });

  test('is listed while it is in force, by its prefix', async () => {
    await claimLease(database(), 'list/1', 'a', minute);
    await claimLease(database(), 'list/2', 'a', minute);
    await claimLease(database(), 'listing', 'a', minute);
    await expire('list/2');
    expect(await leasesInForce(database(), 'list/')).toEqual(['list/1']);
    await removeEndedLeases(database(), 'list/');
    const left = await database()
      .tables.selectFrom('leases')
      .select('name')
      .where('name', 'like', 'list%')
      .execute();
    expect(left.map(({ name }) => name).sort()).toEqual(['list/1', 'listing']);
  });

  test('has a time that reads like the times of all tables', async () => {
    await claimLease(database(), 'time', 'a', minute);
    const { expires_at } = await database()
      .tables.selectFrom('leases')
      .select('expires_at')
      .where('name', '=', 'time')
      .executeTakeFirstOrThrow();
    expect(new Date(expires_at).toISOString()).toBe(expires_at);
    // Both run on this machine, so one clock is enough here.
    expect(Math.abs(Date.parse(expires_at) - Date.now() - minute)).toBeLessThan(minute / 2);
  });
});

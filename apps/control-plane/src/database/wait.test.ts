import { expect, test } from 'vitest';
import { openDatabase } from './open.ts';
import { waitForDatabase } from './wait.ts';

test('a database that stays away is given up with a reason and what to do; waiting is told once', async () => {
  const away = openDatabase('postgresql://nobody@localhost/none?host=/nonexistent');
  const told: string[] = [];
  const waiting = waitForDatabase(away, {
    patience: 100,
    pause: 20,
    onWait: (message) => told.push(message),
  });
  await expect(waiting).rejects.toThrow(/did not answer within 0.1 seconds \(.*ENOENT.*start it, or correct/);
  expect(told).toHaveLength(1);
  await away.close();
});

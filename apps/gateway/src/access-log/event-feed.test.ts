import { gatewayEventSchema } from '@culvert/contracts';
import { expect, test } from 'vitest';
import { EventFeed, type FeedEvent } from './event-feed.ts';

const accepted: FeedEvent = {
  event: 'signIn',
  result: 'accepted',
  user: 'alice',
  session: '0011223344556677',
};

async function take(lines: AsyncIterableIterator<string>, count: number) {
  const events = [];
  for (let index = 0; index < count; index += 1) {
    const { value } = await lines.next();
    events.push(gatewayEventSchema.parse(JSON.parse(value)));
  }
  return events;
}

test('each reader is told what happens from now on, in order', async () => {
  const feed = new EventFeed();
  feed.publish(accepted, 0);
  const first = feed.subscribe();
  const second = feed.subscribe();
  if (first === undefined || second === undefined) throw new Error('there is room for two');
  const waiting = take(first, 1);
  feed.publish(accepted, 1_000);
  feed.publish({ event: 'ban', address: '192.0.2.9', failures: 8, until: 5_000 }, 2_000);
  expect(await waiting).toEqual([{ time: '1970-01-01T00:00:01.000Z', ...accepted }]);
  expect((await take(first, 1))[0]).toMatchObject({ event: 'ban', address: '192.0.2.9', until: 5_000 });
  expect(await take(second, 2)).toHaveLength(2);
});

test('a reader who does not read costs little, and is told how much was missed', async () => {
  const feed = new EventFeed();
  const reader = feed.subscribe();
  if (reader === undefined) throw new Error('there is room');
  for (let index = 0; index < 1_000; index += 1) feed.publish(accepted, index);
  const events = await take(reader, 257);
  expect(events.at(-1)).toMatchObject({ event: 'missed', count: 744 });
  feed.publish(accepted, 2_000);
  expect((await take(reader, 1))[0]).toMatchObject({ event: 'signIn' });
});

test('only so many look on; who leaves makes room, and a feed that closes ends all', async () => {
  const feed = new EventFeed();
  const readers = Array.from({ length: 8 }, () => feed.subscribe());
  expect(readers.every((reader) => reader !== undefined)).toBe(true);
  expect(feed.subscribe()).toBeUndefined();
  await readers[0]?.return?.();
  const last = feed.subscribe();
  const end = last?.next();
  feed.close();
  expect(await end).toEqual({ done: true, value: undefined });
});

test('a line is one line, whatever a device says of itself', async () => {
  const feed = new EventFeed();
  const reader = feed.subscribe();
  feed.publish({ ...accepted, userAgent: 'a\n{"event":"end"}\u001b[2J' }, 0);
  const line = String((await reader?.next())?.value);
  expect(line.trimEnd()).not.toMatch(/\p{Cc}/u);
});

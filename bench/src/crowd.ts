import { Client } from '@culvert/lab/client/client.ts';
import type { Lab } from '@culvert/lab/lab.ts';

/** Clients that sign in at the same time while a crowd gathers. */
const together = 4;

/** Runs `work` for each item, at most `limit` at a time. */
export async function inParallel<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}

/** Connects many stock clients without tunnel interfaces; they stay until they are dismissed. */
export async function gather(lab: Lab, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  await inParallel(
    Array.from({ length: count }, (_, index) => index),
    together,
    async () => {
      clients.push(await Client.connect(lab.clientOptions({ scriptTun: 'sleep 600' }), 60_000));
    },
  );
  return clients;
}

export async function dismiss(clients: readonly Client[]): Promise<void> {
  await inParallel(clients, 16, async (client) => {
    await client.logOut();
  });
}

import { type HealthSample, healthSampleSchema } from '@culvert/contracts';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { newId } from '../database/identifier.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { closeOldAverages, removeOldAverages } from './expiry.ts';
import { bucketOf } from './resolutions.ts';
import { rollUpDue } from './roll-up.ts';
import { readSeries } from './series.ts';
import { writeSamples } from './write-samples.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.parse('2026-11-20T00:00:00.000Z');

describeOnEachEngine('the history of health', (database) => {
  let server: string;
  let time: number;
  const now = () => new Date(time);
  const place = () => ({ database: database(), now });
  const write = (samples: readonly HealthSample[], own = {}) =>
    database()
      .tables.transaction()
      .execute((tables) => writeSamples(tables, server, samples, own, now()));
  const sample = (at: number, cpuUsage: number): HealthSample =>
    healthSampleSchema.parse({ at: new Date(at).toISOString(), values: { cpuUsage } });
  const rollUp = async () => {
    while (await rollUpDue(place()));
  };
  const close = async () => {
    while (await closeOldAverages(place()));
  };
  const rows = (resolution: 'minute' | 'fiveMinutes' | 'hour') =>
    database()
      .tables.selectFrom('server_health_samples')
      .selectAll()
      .where('server_id', '=', server)
      .where('resolution', '=', resolution)
      .orderBy('at')
      .execute();
  const series = async (from: number, to: number) =>
    readSeries(
      database().tables,
      { serverId: server, metric: 'cpuUsage' },
      { start: new Date(from), end: new Date(to) },
      now(),
    );

  beforeEach(async () => {
    time = start;
    server = await makeServer();
  });

  async function makeServer(): Promise<string> {
    const { tables } = database();
    const id = newId(new Date());
    const configuration = {
      id,
      version: 1,
      display_name: id,
      description: '',
      network: '',
      listen_port: 443,
      dns_servers: '[]',
      split_dns: '[]',
      route_includes: '[]',
      route_excludes: '[]',
      disable_udp_connections: 0,
      advanced_settings: '[]',
      role_scope_tag_ids: '[]',
      last_update_date_time: '',
    };
    await tables.insertInto('server_configurations').values(configuration).execute();
    const site = {
      id,
      version: 1,
      display_name: id,
      description: '',
      public_address: '',
      upgrade_automatically: 1,
      upgrade_available: 0,
      role_scope_tag_ids: '[]',
      server_configuration_id: id,
    };
    await tables.insertInto('sites').values(site).execute();
    const row = {
      id,
      version: 1,
      site_id: id,
      display_name: id,
      tunnel_server_health_status: 'unknown',
      deployment_mode: 'standaloneRootful',
    };
    await tables.insertInto('servers').values(row).execute();
    return id;
  }

  test('averages are right in whatever order samples arrive, and whenever the work is done in between', async () => {
    const arrivals = fc.array(
      fc.record({
        // The minute of the sample in two hours, and how late it comes.
        minute: fc.nat(119),
        late: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 * 24 * 60 })),
        value: fc.integer({ min: 0, max: 100 }),
        work: fc.constantFrom('nothing', 'rollUp', 'close', 'both'),
      }),
      { minLength: 1, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(arrivals, async (list) => {
        server = await makeServer();
        const unique = [...new Map(list.map((one) => [one.minute, one])).values()];
        const inOrder = unique.sort((one, other) => one.minute + one.late - (other.minute + other.late));
        for (const { minute: place, late, value, work } of inOrder) {
          time = start + (place + late) * minute;
          await write([sample(start + place * minute, value)]);
          if (work === 'rollUp' || work === 'both') await rollUp();
          if (work === 'close' || work === 'both') await close();
        }
        time += 2 * hour;
        await rollUp();
        await close();
        // Once more changes nothing.
        await rollUp();
        for (const resolution of ['fiveMinutes', 'hour'] as const) {
          const expected = Map.groupBy(unique, ({ minute: place }) =>
            bucketOf(resolution, new Date(start + place * minute)).start.toISOString(),
          );
          const found = await rows(resolution);
          expect(found.map(({ at }) => at)).toEqual([...expected.keys()].sort());
          for (const { at, metric_values, sample_count } of found) {
            const values = (expected.get(at) ?? []).map(({ value }) => value);
            const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
            expect(sample_count).toBe(values.length);
            expect(JSON.parse(metric_values).cpuUsage).toBeCloseTo(mean, 2);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test('a sample that comes twice counts once', async () => {
    await write([sample(start, 10)]);
    await write([sample(start, 10), sample(start + minute, 20)]);
    time += 10 * minute;
    await rollUp();
    await write([sample(start, 10)]);
    await rollUp();
    const [average] = await rows('fiveMinutes');
    expect([average?.sample_count, JSON.parse(average?.metric_values ?? '')]).toEqual([2, { cpuUsage: 15 }]);
  });

  test('an average is made when its time is over, not before', async () => {
    await write([sample(start, 10)]);
    time = start + 5 * minute;
    await rollUp();
    expect(await rows('fiveMinutes')).toEqual([]);
    time += minute;
    await rollUp();
    expect(await rows('fiveMinutes')).toHaveLength(1);
    expect(await rows('hour')).toEqual([]);
    time = start + hour + minute;
    await rollUp();
    expect(await rows('hour')).toHaveLength(1);
  });

  test('what the control plane knows joins the newest sample', async () => {
    await write([sample(start - minute, 10), sample(start, 20)], { versionsBehind: 1, logsUploaded: 5 });
    expect((await rows('minute')).map(({ metric_values }) => JSON.parse(metric_values))).toEqual([
      { cpuUsage: 10 },
      { cpuUsage: 20, versionsBehind: 1, logsUploaded: 5 },
    ]);
  });

  test('samples of the future and of long ago are not taken', async () => {
    await write([sample(start + hour, 1), sample(start - 32 * day, 1), sample(start - 30 * day, 1)]);
    expect((await rows('minute')).map(({ at }) => at)).toEqual([new Date(start - 30 * day).toISOString()]);
  });

  test('minutes are kept for a day, five minutes for a month, hours for a year', async () => {
    await write([sample(start, 10)]);
    const kept = async () => {
      await rollUp();
      await close();
      await removeOldAverages(place(), new AbortController().signal);
      const counts = [];
      for (const resolution of ['minute', 'fiveMinutes', 'hour'] as const)
        counts.push((await rows(resolution)).length);
      return counts;
    };
    const after: number[][] = [];
    for (const days of [0.9, 1.1, 30.9, 31.1, 365, 367]) {
      time = start + days * day;
      after.push(await kept());
    }
    expect(after).toEqual([
      [1, 1, 1],
      [0, 1, 1],
      [0, 1, 1],
      [0, 0, 1],
      [0, 0, 1],
      [0, 0, 0],
    ]);
  });

  test('a series has points where something was measured, and gaps where not', async () => {
    const measured = [0, 1, 2, 30, 31];
    for (const place of measured) {
      time = start + place * minute;
      await write([sample(time, place)]);
    }
    time = start + 2 * hour;
    await rollUp();
    const minutes = await series(start, start + hour);
    expect(minutes.map(({ value }) => value)).toEqual(measured);
    const fiveMinutes = await series(start - 2 * day, start + hour);
    expect(fiveMinutes).toEqual([
      { at: new Date(start).toISOString(), value: 1 },
      { at: new Date(start + 30 * minute).toISOString(), value: 30.5 },
    ]);
    const hours = await series(start - 60 * day, start + hour);
    expect(hours.map(({ value }) => value)).toEqual([12.8]);
  });
});

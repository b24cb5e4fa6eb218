import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseBytes,
  parseCpuMax,
  parseGroups,
  parseKey,
  readCgroupLimits,
  selfAndParents,
} from './cgroup.ts';
import { parseMemory } from './memory.ts';
import { parseProcessorTime, percent, processorUsage, usableProcessors } from './processors.ts';
import { bytesBetween, counted, kilobitsPerSecond } from './traffic.ts';
import { mean, Window } from './window.ts';

const anyText = fc.oneof(
  fc.string({ maxLength: 300, unit: 'binary' }),
  fc
    .array(
      fc.constantFrom('cpu', ' ', '\n', ':', '-1', '12', '0', 'max', 'eth0', 'kB', 'MemTotal:', '1e400', '/'),
      {
        maxLength: 60,
      },
    )
    .map((words) => words.join('')),
);

describe('processors', () => {
  const stat = (...numbers: number[]) => `cpu  ${numbers.join(' ')}\ncpu0 1 2 3 4\nintr 5\n`;

  test('are busy with everything but idling and waiting for a disk, and guests count once', () => {
    expect(parseProcessorTime(stat(10, 20, 30, 400, 50, 6, 7, 8, 9, 9))).toEqual({ busy: 81, total: 531 });
  });

  test('of this machine can be read', () => {
    expect(parseProcessorTime(readFileSync('/proc/stat', 'utf8')).total).toBeGreaterThan(0);
  });

  test('have a usage between 0 and 100 percent, or none, whatever two readings say', () => {
    const time = fc.record({ busy: fc.nat(), total: fc.nat() });
    fc.assert(
      fc.property(time, time, (before, after) => {
        const usage = processorUsage(before, after);
        if (usage === undefined) return;
        expect(usage).toBeGreaterThanOrEqual(0);
        expect(usage).toBeLessThanOrEqual(100);
      }),
    );
    expect(processorUsage({ busy: 10, total: 100 }, { busy: 60, total: 200 })).toBe(50);
    expect(processorUsage({ busy: 10, total: 100 }, { busy: 10, total: 100 })).toBeUndefined();
  });

  test('are as many as a quota pays for, in whole ones, and at least one', () => {
    expect([undefined, 0.5, 1.5, 3.99, 64].map((quota) => usableProcessors(4, quota))).toEqual([
      4, 1, 1, 3, 4,
    ]);
  });
});

describe('memory', () => {
  test('is what the kernel calls available, not what it calls free', () => {
    const text = 'MemTotal:       1000 kB\nMemFree:         1 kB\nMemAvailable:    250 kB\n';
    expect(parseMemory(text)).toEqual({ total: 1_024_000, available: 256_000 });
  });

  test('of this machine can be read', () => {
    const { total, available } = parseMemory(readFileSync('/proc/meminfo', 'utf8'));
    expect(available).toBeLessThanOrEqual(total);
  });
});

describe('control groups', () => {
  const files = (content: Record<string, string>) => async (path: string) => content[path];

  test('of version 2 limit by the narrowest of a group and those around it', async () => {
    const limits = await readCgroupLimits(
      files({
        '/proc/self/cgroup': '0::/system.slice/culvert.service\n',
        '/sys/fs/cgroup/system.slice/culvert.service/cpu.max': 'max 100000\n',
        '/sys/fs/cgroup/system.slice/cpu.max': '150000 100000\n',
        '/sys/fs/cgroup/system.slice/cpu.stat': 'usage_usec 7000\nuser_usec 1\n',
        '/sys/fs/cgroup/system.slice/culvert.service/memory.max': '1000\n',
        '/sys/fs/cgroup/system.slice/culvert.service/memory.current': '900\n',
        '/sys/fs/cgroup/system.slice/culvert.service/memory.stat': 'anon 1\ninactive_file 400\n',
        '/sys/fs/cgroup/system.slice/memory.max': '2000\n',
        '/sys/fs/cgroup/system.slice/memory.current': '1900\n',
      }),
    );
    expect(limits).toEqual({
      cpu: { processors: 1.5, usedMicroseconds: 7000 },
      memory: { limit: 1000, used: 500 },
    });
  });

  test('of version 1 limit the same way, also inside a container whose own group is not visible', async () => {
    const limits = await readCgroupLimits(
      files({
        '/proc/self/cgroup': '4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/cpu/cpuacct.usage': '2000000\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '4096\n',
        '/sys/fs/cgroup/memory/memory.usage_in_bytes': '2048\n',
      }),
    );
    expect(limits).toEqual({
      cpu: { processors: 0.5, usedMicroseconds: 2000 },
      memory: { limit: 4096, used: 2048 },
    });
  });

  test('without a limit limit nothing', async () => {
    const limits = await readCgroupLimits(
      files({
        '/proc/self/cgroup': '0::/\n2:memory:/\n1:cpu:/\n',
        '/sys/fs/cgroup/memory.max': 'max\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        '/sys/fs/cgroup/memory/memory.usage_in_bytes': '1\n',
      }),
    );
    expect(limits).toEqual({});
  });

  test('of this machine can be read', async () => {
    await expect(readCgroupLimits()).resolves.toBeTypeOf('object');
  });
});

describe('the traffic of the public side', () => {
  test('counts on when a counter of 32 bits begins again, and anew when it was set back', () => {
    expect(counted(2 ** 32 - 100, 50)).toBe(150);
    expect(counted(5_000, 70)).toBe(70);
    expect(counted(2 ** 40, 70)).toBe(70);
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 31n, max: 2n ** 32n - 1n }), fc.nat(2 ** 31 - 2), (before, more) => {
        expect(counted(Number(before), Number((before + BigInt(more)) % 2n ** 32n))).toBe(more);
      }),
    );
  });

  test('counts nothing of an interface that has only just been made', () => {
    const before = new Map([['a', { received: 10, sent: 10, index: 1 }]]);
    expect(bytesBetween(before, new Map([['a', { received: 15, sent: 11, index: 1 }]]))).toBe(6);
    expect(bytesBetween(before, new Map([['a', { received: 15, sent: 11, index: 2 }]]))).toBe(0);
    expect(bytesBetween(before, new Map([['b', { received: 15, sent: 11, index: 1 }]]))).toBe(0);
  });

  test('is told in kilobits a second', () => {
    expect(kilobitsPerSecond(1_250_000, 10_000)).toBe(1000);
  });
});

describe('a window of readings', () => {
  test('keeps the last while and the one reading before it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 60 }), (gaps) => {
        const window = new Window<number>(100);
        let at = 0;
        const times = gaps.map((gap) => (at += gap));
        for (const time of times) window.add(time, time);
        const kept = window.readings;
        expect(kept).toEqual(times.slice(times.length - kept.length));
        expect(times.slice(0, times.length - kept.length).every((time) => time <= at - 100)).toBe(true);
        const ends = window.ends();
        if (ends !== undefined) expect(ends.milliseconds).toBe(ends.last - ends.first);
        if (kept.length > 1) expect(kept[1]).toBeGreaterThan(at - 100);
      }),
    );
  });

  test('has a mean when it has anything', () => {
    expect([mean([]), mean([1, 2, 6])]).toEqual([undefined, 3]);
  });
});

test('no text of the kernel makes a reading of anything but numbers, or a refusal in words', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const parse of [parseProcessorTime, parseMemory]) {
        try {
          for (const number of Object.values(parse(text))) expect(number).not.toBeNaN();
        } catch (error) {
          expect((error as Error).message).toContain('/proc/');
        }
      }
      for (const number of [parseCpuMax(text), parseBytes(text), parseKey(text, 'cpu')]) {
        expect(number).not.toBeNaN();
      }
      for (const path of parseGroups(text).values()) expect(selfAndParents(path).at(-1)).toBe('/');
    }),
  );
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (share) => {
      expect(percent(share)).toBeGreaterThanOrEqual(0);
      expect(percent(share)).toBeLessThanOrEqual(100);
    }),
  );
});

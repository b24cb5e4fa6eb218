import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatPasswordHash, hashCost, parsePasswordHash } from '@culvert/passwords/phc.ts';
import { WorkLimit } from '@culvert/passwords/work-limit.ts';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { explainAccountName, parseAccounts, withAccount } from './accounts.ts';
import { deleteAccount, setPassword } from './edit-accounts.ts';
import { openPasswordFile } from './password-file.ts';

let file: string;
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'culvert-users-')), 'users');
});
const open = (options = {}) => openPasswordFile(file, parseAccounts(readFileSync(file, 'utf8')), options);

describe('the users file', () => {
  test('accepts the password that was set, in any composition of its accents, and no other', async () => {
    await setPassword(file, 'alice', 'café au lait');
    const users = open();
    expect(await users.verify('alice', 'cafe\u0301 au lait')).toBe('accepted');
    expect(await users.verify('alice', 'cafe au lait')).toBe('refused');
    expect(await users.verify('Alice', 'café au lait')).toBe('refused');
    expect(await users.verify('alice', '')).toBe('refused');
    expect(await users.verify('alice', 'x'.repeat(257))).toBe('refused');
  });

  test('holds argon2id with the figures of OWASP, readable by its owner alone', async () => {
    await setPassword(file, 'alice', 'correct horse');
    expect(readFileSync(file, 'utf8')).toMatch(
      /^alice:\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]{22}\$[^$]{43}\n$/,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(hashCost.memory * 1024).toBe(19 * 1024 * 1024);
  });

  test('accepts a hash that the argon2 reference tool made', async () => {
    // echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -e, from the test vectors of phc-winner-argon2.
    writeFileSync(
      file,
      'ref:$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\n',
    );
    expect(await open().verify('ref', 'password')).toBe('accepted');
  });

  test('is read again when it changed', async () => {
    await setPassword(file, 'alice', 'first password');
    const users = open();
    expect(await users.verify('alice', 'first password')).toBe('accepted');
    await setPassword(file, 'alice', 'second password');
    expect(await users.verify('alice', 'first password')).toBe('refused');
    expect(await users.verify('alice', 'second password')).toBe('accepted');
    await deleteAccount(file, 'alice');
    expect(await users.verify('alice', 'second password')).toBe('refused');
  });

  test('costs the same for an unknown name', async () => {
    await setPassword(file, 'alice', 'correct horse');
    const users = open();
    const time = async (name: string) => {
      const runs = [];
      for (let run = 0; run < 7; run += 1) {
        const start = performance.now();
        await users.verify(name, 'wrong horse');
        runs.push(performance.now() - start);
      }
      return runs.sort((left, right) => left - right)[3] ?? 0;
    };
    const ratio = (await time('nobody')) / (await time('alice'));
    expect(ratio).toBeGreaterThan(0.4);
    expect(ratio).toBeLessThan(2.5);
  });

  test('answers busy when too many wait', async () => {
    await setPassword(file, 'alice', 'correct horse');
    const users = open({ concurrent: 1, waiting: 1 });
    const answers = await Promise.all([1, 2, 3, 4].map(() => users.verify('alice', 'correct horse')));
    expect(answers.filter((answer) => answer === 'busy')).toHaveLength(2);
    expect(await users.verify('alice', 'correct horse')).toBe('accepted');
  });

  test('keeps every account of commands that write at the same time', async () => {
    const script = `import { setPassword } from ${JSON.stringify(join(import.meta.dirname, 'edit-accounts.ts'))};
      await Promise.all([0, 1, 2].map((n) => setPassword(process.argv[1], process.argv[2] + n, 'long enough')));`;
    const run = (name: string) =>
      new Promise<void>((resolve) => {
        execFileSync(process.execPath, ['--input-type=module', '-e', script, file, name]);
        resolve();
      });
    writeFileSync(`${file}.lock`, '999999999');
    await Promise.all([run('a'), run('b'), setPassword(file, 'c0', 'long enough')]);
    expect([...parseAccounts(readFileSync(file, 'utf8')).hashes.keys()].sort()).toEqual([
      'a0',
      'a1',
      'a2',
      'b0',
      'b1',
      'b2',
      'c0',
    ]);
  }, 20_000);

  test('loses no change when many find the lock of a command that was killed', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `user${index}`);
    for (let round = 0; round < 40; round += 1) {
      writeFileSync(file, names.map((name) => `${name}:x\n`).join(''));
      writeFileSync(`${file}.lock`, '999999999');
      const results = await Promise.all(names.map((name) => deleteAccount(file, name)));
      expect(results.every(({ ok }) => ok)).toBe(true);
      expect(readFileSync(file, 'utf8').trim()).toBe('');
      expect(readdirSync(dirname(file))).toEqual(['users']);
    }
  });

  test('tells lines that cannot be read without showing them', () => {
    const { problems } = parseAccounts('# people\n\nalice:hunter2\nbob\nb b:$argon2id\n');
    expect(problems).toHaveLength(3);
    expect(problems.join()).not.toContain('hunter2');
  });

  test('refuses short passwords and odd names', async () => {
    expect(await setPassword(file, 'alice', 'short')).toMatchObject({ ok: false });
    expect(await setPassword(file, 'a:b', 'long enough')).toMatchObject({ ok: false });
    expect(await deleteAccount(file, 'nobody')).toMatchObject({ ok: false });
    for (const name of ['', '-x', 'a b', 'a\n', 'x'.repeat(65)])
      expect(explainAccountName(name)).toBeDefined();
    for (const name of ['alice', 'a.b@corp.test', '山田太郎', '_svc'])
      expect(explainAccountName(name)).toBeUndefined();
  });

  test('changes one line and leaves the others', () => {
    expect(withAccount('# c\na:1\nb:2\n', 'a', '3')).toBe('# c\na:3\nb:2\n');
    expect(withAccount('a:1\nb:2', 'a', undefined)).toBe('b:2\n');
  });
});

describe('a PHC string', () => {
  test('comes back as it was written', () => {
    const bytes = (least: number) =>
      fc.uint8Array({ minLength: least, maxLength: 64 }).map((array) => Buffer.from(array));
    const cost = fc.record({
      memory: fc.integer({ min: 128, max: 1_048_576 }),
      passes: fc.integer({ min: 1, max: 10 }),
      parallelism: fc.integer({ min: 1, max: 16 }),
    });
    fc.assert(
      fc.property(cost, bytes(9), bytes(17), (cost, salt, hash) => {
        expect(parsePasswordHash(formatPasswordHash({ ...cost, salt, hash }))).toEqual({
          ...cost,
          salt,
          hash,
        });
      }),
    );
  });

  test.each([
    [
      'memory beyond every recommendation',
      '$argon2id$v=19$m=9999999,t=2,p=1$c29tc2FsdDEyMw$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'another algorithm',
      '$argon2i$v=19$m=65536,t=2,p=1$c29tc2FsdDEyMw$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
    [
      'no passes',
      '$argon2id$v=19$m=65536,t=0,p=1$c29tc2FsdDEyMw$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
  ])('with %s is refused', (_name, text) => {
    expect(parsePasswordHash(text)).toBeUndefined();
  });
});

test('a limit gives places on in order, also after a failure', async () => {
  const limit = new WorkLimit({ concurrent: 1, waiting: 2 });
  const order: number[] = [];
  const task =
    (n: number, fail = false) =>
    () => {
      order.push(n);
      return fail ? Promise.reject(new Error('x')) : Promise.resolve(n);
    };
  const results = await Promise.allSettled([
    limit.run(task(1, true)),
    limit.run(task(2)),
    limit.run(task(3)),
    limit.run(task(4)),
  ]);
  expect(order).toEqual([1, 2, 3]);
  expect(results[3]).toEqual({ status: 'fulfilled', value: 'busy' });
});

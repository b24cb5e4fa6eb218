import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainConnection } from './agent-listener-target.ts';
import type { Answer, Attempt, FailureReason } from './attempt.ts';
import { wordsOf } from './failure-words.ts';
import { judgeClock } from './judge-clock.ts';
import { judgeTarget } from './judge-target.ts';
import type { Target } from './target.ts';

const target: Target = {
  id: 'x',
  title: { en: 'x', ja: 'x' },
  why: { en: 'x', ja: 'x' },
  url: new URL('https://control.test:8443/livez'),
};
const certificate = { issuer: 'CN=Good', subject: 'CN=control.test' };
const answered = (way: string, answer: Partial<Answer> = {}): Attempt => ({
  way,
  family: way.includes(':') ? 6 : 4,
  milliseconds: 5,
  outcome: { kind: 'answered', answer: { status: 200, tlsVersion: 'TLSv1.3', certificate, ...answer } },
});
const failed = (way: string, reason: FailureReason): Attempt => ({
  way,
  family: way.includes(':') ? 6 : 4,
  milliseconds: 5,
  outcome: { kind: 'failed', reason },
});
const judge = (...attempts: Attempt[]) => judgeTarget(target, { kind: 'tried', attempts });
const distrusted = (distrust: string) => answered('192.0.2.1', { certificate: { ...certificate, distrust } });

describe('a target', () => {
  test('that answers is told with address, time, TLS version and issuer', () => {
    expect(judge(answered('192.0.2.1'))).toEqual({
      result: 'ok',
      found: {
        en: 'control.test:8443: 192.0.2.1 5 ms, TLSv1.3, certificate of "CN=Good"',
        ja: 'control.test:8443: 192.0.2.1 5 ms, TLSv1.3、証明書の発行者 "CN=Good"',
      },
    });
  });

  const reasons: FailureReason[] = [
    ...(['unknownName', 'noNameServer', 'refused', 'timedOut', 'noRoute', 'reset', 'noTls'] as const),
    ...(['proxyWantsPassword', 'proxyRefuses', 'noAnswer', 'other'] as const),
  ];
  test.each(reasons)('that fails with %s is named, with a remedy in both languages', (reason) => {
    const { result, found, remedy } = judge(failed('192.0.2.1', reason));
    expect([result, found.en]).toEqual([
      'failed',
      `control.test:8443: 192.0.2.1: ${wordsOf(reason, '').found.en}`,
    ]);
    expect(remedy?.text?.en).not.toBe('');
    expect(remedy?.text?.ja).toMatch(/[ぁ-ん]/);
  });

  test('whose name is not known has failed', () => {
    const { result, found } = judgeTarget(target, { kind: 'unresolved', reason: 'unknownName' });
    expect([result, found.en]).toEqual(['failed', 'control.test:8443: the name does not resolve']);
  });

  test('with one of several addresses that fails is a warning; with all it has failed', () => {
    expect(judge(answered('192.0.2.1'), failed('192.0.2.2', 'timedOut')).result).toBe('warning');
    expect(judge(failed('192.0.2.1', 'refused'), failed('192.0.2.2', 'timedOut')).result).toBe('failed');
  });

  test('with an IPv6 address and no IPv6 route is a warning that says so', () => {
    const { result, remedy } = judge(answered('192.0.2.1'), failed('2001:db8::1', 'noRoute'));
    expect([result, remedy?.text?.en]).toEqual(['warning', expect.stringContaining('IPv6 route')]);
  });

  test.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', 'TLS is broken and inspected on the way'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'issued by "CN=Good" for "CN=control.test"'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name'],
    ['CERT_HAS_EXPIRED', 'has expired by the clock of this server'],
    ['CERT_NOT_YET_VALID', 'is not valid yet by the clock of this server'],
  ])('whose certificate is refused with %s: %s', (code, words) => {
    const { result, found } = judge(distrusted(code));
    expect([result, found.en]).toEqual(['failed', expect.stringContaining(words)]);
  });

  test.each([
    [{ status: 511 }, 'portal'],
    [
      { status: 302, location: 'http://login.hotel.example/' },
      'portal of the network answers in its place (login.hotel.example)',
    ],
    [{ status: 302, location: '/elsewhere' }, undefined],
    [{ status: 404 }, undefined],
    [{ status: 502 }, 'answers with status 502'],
  ])('that answers %j: %s', (answer, words) => {
    const { result, found } = judge(answered('192.0.2.1', answer));
    expect(result).toBe(words === undefined ? 'ok' : 'failed');
    if (words !== undefined) expect(found.en).toContain(words);
  });

  test('that is expected to answer so may refuse a stranger', () => {
    const strict = { ...target, expected: [400, 403] };
    const trial = (status: number) =>
      ({ kind: 'tried', attempts: [answered('192.0.2.1', { status })] }) as const;
    expect(judgeTarget(strict, trial(403)).result).toBe('ok');
    expect(judgeTarget(strict, trial(200)).found.en).toContain('status 200 instead of 400, 403');
  });
});

test('the listener has seen our certificate, or something on the way has taken it away', () => {
  const body = (certificate: string, fingerprint: string | null = 'ab', reason: string | null = null) =>
    JSON.stringify({ certificate, fingerprint, reason });
  expect(explainConnection(body('foreign'), 'ab')).toBeUndefined();
  expect(explainConnection(body('inForce'), 'ab')).toBeUndefined();
  expect(explainConnection(body('none', null), 'ab')?.en).toContain('does not arrive');
  expect(explainConnection(body('foreign', 'cd'), 'ab')?.en).toContain('does not arrive');
  expect(explainConnection(body('refused', 'ab', 'revoked'), 'ab')?.en).toContain('is refused: revoked');
  expect(explainConnection('<html>', 'ab')?.en).toContain('no listener of agents');
});

describe('the clock', () => {
  test('is judged by the one in the middle', () => {
    expect(judgeClock([0, 1, 5000]).result).toBe('ok');
    expect(judgeClock([-300, -301, 0]).found.en).toContain('300 s behind');
    expect(judgeClock([90]).found.en).toContain('90 s ahead');
    expect(judgeClock([]).result).toBe('unknown');
  });

  test('a minority of wrong clocks, however wrong, changes nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -60, max: 60 }), { minLength: 1, maxLength: 9 }),
        fc.array(fc.integer(), { maxLength: 8 }),
        (good, wrong) => {
          const minority = wrong.slice(0, good.length - 1);
          expect(judgeClock([...minority, ...good]).result).toBe('ok');
        },
      ),
    );
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renewalDue } from './due.ts';

const day = 86_400_000;

test('a certificate is renewed at two thirds of its life or a little later, and never near its end', () => {
  const certificates = fc.tuple(
    fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
    fc.integer({ min: 1, max: 36_500 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  );
  fc.assert(
    fc.property(certificates, ([validFromDate, days, random]) => {
      const validToDate = new Date(validFromDate.getTime() + days * day);
      const share =
        (renewalDue({ validFromDate, validToDate }, random) - validFromDate.getTime()) / (days * day);
      expect(share).toBeGreaterThanOrEqual(2 / 3 - 1e-6);
      expect(share).toBeLessThan(0.69);
    }),
  );
});

test('one of 90 days is renewed after 60', () => {
  const validFromDate = new Date('2026-01-01T00:00:00Z');
  const validToDate = new Date('2026-04-01T00:00:00Z');
  expect(new Date(renewalDue({ validFromDate, validToDate }, 0)).toISOString()).toBe(
    '2026-03-02T00:00:00.000Z',
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFilter } from './filter.ts';
import { filters, print, thing } from './odata-testing.ts';
import { FilterError } from './tokens.ts';

test('a filter that is printed and read again is the same', () => {
  fc.assert(
    fc.property(filters, (filter) => {
      expect(parseFilter(thing, print(filter))).toEqual(filter);
    }),
  );
});

test('"and" binds closer than "or", and "not" closest', () => {
  expect(parseFilter(thing, 'size eq 1 or size eq 2 and not isOn eq true')).toEqual(
    parseFilter(thing, '(size eq 1) or ((size eq 2) and (not (isOn eq true)))'),
  );
});

test('whatever text comes, the answer is a filter or a FilterError', () => {
  const words = fc.constantFrom(
    'name',
    'size',
    'eq',
    'and',
    'not',
    '(',
    ')',
    "'x'",
    '1',
    ',',
    '/',
    'any',
    ':',
    'null',
    'in',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(words).map((list) => list.join(' ')),
      ),
      (text) => {
        try {
          parseFilter(thing, text);
        } catch (error) {
          expect(error).toBeInstanceOf(FilterError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

describe('a filter is refused, with place and remedy', () => {
  test.each([
    ['', 'expected a property or a function, not "" (at character 1)'],
    ['nam eq 1', 'did you mean name?'],
    ['colour eq 1', 'known are id, name, size'],
    ['constructor eq 1', 'cannot be filtered by "constructor"'],
    ["name eq 'open", 'a text is not closed'],
    ['name eq "x"', 'single quotation marks'],
    ['name eq 5', 'name is compared with a text such as'],
    ["size eq '5'", 'size is compared with a whole number, not "5" (at character 9)'],
    ['size eq 99999999999', 'a whole number'],
    ['size gt null', 'use eq or ne'],
    ['isOn gt true', 'use eq or ne'],
    ["state eq 'done'", "one of 'pending', 'completed'"],
    ['at gt 2026-13-45T00:00:00Z', 'a time such as 2026-11-24T09:00:00Z'],
    ["tags eq '0'", "tags/any(x:x eq 'value')"],
    ["tags/any(t:u eq '0')", "write tags/any(x:x eq 'value')"],
    ["name/any(t:t eq '0')", 'is not a list'],
    ["length(name,'x')", 'there is no function length; known are contains, startswith, endswith'],
    ["contains(size,'x')", 'contains needs a text'],
    ["name eq 'a' name eq 'b'", 'expected "and", "or" or the end, not "name"'],
    ["name like 'a'", 'expected one of eq, ne, gt, ge, lt, le, in after name'],
    ["(name eq 'a'", 'expected ")"'],
    ["name eq 'a'; drop table audit_entries", '"; drop tab" cannot be read'],
    ["name eq 'a\u0000b'", 'is not closed'],
    [`${'('.repeat(100)}size eq 1${')'.repeat(100)}`, 'at most 50 levels'],
    [Array.from({ length: 300 }, () => 'size eq 1').join(' or '), 'at most 200 conditions'],
    ['x'.repeat(5000), 'at most 4000 characters'],
  ])('%s', (text, words) => {
    expect(() => parseFilter(thing, text)).toThrow(words);
  });
});

import { expect, test } from 'vitest';
import { proxyFor } from './proxy.ts';

const target = new URL('https://control.example.com:8444');
const proxy = { host: 'proxy.test', port: 3128 };

test('the proxy of the settings comes first, then that of the environment', () => {
  expect(proxyFor(target, undefined, {})).toBeUndefined();
  expect(proxyFor(target, undefined, { HTTPS_PROXY: 'http://proxy.test:3128' })).toEqual(proxy);
  expect(proxyFor(target, undefined, { https_proxy: 'proxy.test:3128' })).toEqual(proxy);
  const other = { host: 'other.test', port: 80 };
  expect(proxyFor(target, other, { HTTPS_PROXY: 'http://proxy.test:3128', NO_PROXY: '*' })).toEqual(other);
});

test.each([
  '*',
  'example.com',
  '.example.com',
  '*.example.com',
  'control.example.com:8444',
  'a.test, example.com',
])('an address that NO_PROXY names (%s) is reached directly', (exceptions) => {
  expect(
    proxyFor(target, undefined, { HTTPS_PROXY: 'http://proxy.test:3128', NO_PROXY: exceptions }),
  ).toBeUndefined();
});

test.each(['', 'ample.com', 'control.example.com:443', 'example.org'])(
  'an address that NO_PROXY does not name (%s) goes through the proxy',
  (exceptions) => {
    expect(
      proxyFor(target, undefined, { HTTPS_PROXY: 'http://proxy.test:3128', NO_PROXY: exceptions }),
    ).toEqual(proxy);
  },
);

test.each([
  ['http://user:secret@proxy.test', 'authentication are not supported'],
  ['https://proxy.test', 'expected the address of an HTTP proxy'],
  ['http://', 'expected the address of an HTTP proxy'],
])('a proxy that cannot be used (%s) is refused with the name of the variable', (value, words) => {
  expect(() => proxyFor(target, undefined, { HTTPS_PROXY: value })).toThrow(words);
  expect(() => proxyFor(target, undefined, { HTTPS_PROXY: value })).toThrow('HTTPS_PROXY');
});

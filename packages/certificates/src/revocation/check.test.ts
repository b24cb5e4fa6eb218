import { randomBytes, type X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as pkijs from 'pkijs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RevocationAuthority } from '../testing/revocation-authority.ts';
import { type Ask, type ChainRevocation, checkChain } from './check.ts';

const hour = 3_600_000;
const day = 24 * hour;
let authority: RevocationAuthority;
let stranger: RevocationAuthority;

beforeAll(async () => {
  authority = await RevocationAuthority.start();
  stranger = await RevocationAuthority.start();
  const { workshop } = authority;
  workshop.issue('both', 'ca', { extensions: authority.extensions('ocsp', 'crl') });
  workshop.issue('by-ocsp', 'ca', { extensions: authority.extensions('ocsp') });
  workshop.issue('by-crl', 'ca', { extensions: authority.extensions('crl') });
  workshop.issue('without', 'ca');
  workshop.issue('other', 'ca');
  workshop.issue('deaf', 'ca', { extensions: ['authorityInfoAccess=OCSP;URI:http://127.0.0.1:1/ocsp'] });
  workshop.issue('directory', 'ca', { extensions: ['crlDistributionPoints=URI:ldap://127.0.0.1/cn=ca'] });
  workshop.issue('delegate', 'ca', { extensions: ['extendedKeyUsage=OCSPSigning'] });
  workshop.issue('impostor', 'ca', { extensions: ['extendedKeyUsage=serverAuth'] });
  workshop.issue('middle', 'ca', {
    extensions: ['basicConstraints=critical,CA:TRUE', ...authority.extensions('crl')],
  });
  workshop.issue('below', 'middle', { extensions: authority.extensions('ocsp') });
});
beforeEach(() => {
  authority.responder = 'ca';
  authority.ocspParameters = ['-ndays', '1'];
  authority.distortions.clear();
});
afterAll(async () => {
  await authority.stop();
  await stranger.stop();
});

const overHttp: Ask = async ({ url, body }) => {
  const answer = await fetch(url, {
    ...(body === undefined
      ? {}
      : { method: 'POST', body: new Uint8Array(body.content), headers: { 'content-type': body.type } }),
  });
  if (!answer.ok) throw new Error(`answers with status ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
};

/** Takes the nonce out of a request, so that the answer has none. */
function withoutNonce(ask: Ask): Ask {
  return (request) => {
    if (request.body === undefined) return ask(request);
    const { tbsRequest } = pkijs.OCSPRequest.fromBER(request.body.content);
    const { requestList } = tbsRequest;
    const plain = new pkijs.OCSPRequest({ tbsRequest: new pkijs.TBSRequest({ requestList }) });
    const content = Buffer.from(plain.toSchema(true).toBER());
    return ask({ ...request, body: { ...request.body, content } });
  };
}

function check(names: string[], options: { later?: number; ask?: Ask } = {}): Promise<ChainRevocation> {
  const { later = 0, ask = overHttp } = options;
  const chain: X509Certificate[] = names.map((name) => authority.certificate(name));
  return checkChain(chain, { ask, now: () => new Date(Date.now() + later), random: randomBytes });
}

/** The answer of OCSP and CRL about a certificate that names either. */
const check1 = async (name: string, later = 0) => (await check([name, 'ca'], { later })).status;

describe('a certificate that is fine', () => {
  beforeEach(() => authority.state({ both: 'valid', 'by-ocsp': 'valid', 'by-crl': 'valid' }));

  test.each(['both', 'by-ocsp', 'by-crl'])('is not revoked, asked %s', async (name) => {
    const result = await check([name, 'ca']);
    expect(result).toMatchObject({ status: 'good' });
    expect(result).toHaveProperty('validUntil');
  });

  test('is asked about at the OCSP responder, and the list is not fetched', async () => {
    await check(['both', 'ca']);
    expect(authority.asked).toEqual(['/ocsp']);
  });

  test('is good in the name of a responder that the authority has made for that', async () => {
    authority.responder = 'delegate';
    expect(await check1('by-ocsp')).toBe('good');
  });

  test('is good by an answer without nonce, as public responders sign in advance', async () => {
    expect((await check(['by-ocsp', 'ca'], { ask: withoutNonce(overHttp) })).status).toBe('good');
  });

  test('is good by a recent answer that names no end, as long as that repeats the nonce', async () => {
    authority.ocspParameters = [];
    expect(await check1('by-ocsp', 2 * hour)).toBe('good');
    const recorded = await check(['by-ocsp', 'ca'], { ask: withoutNonce(overHttp), later: 2 * hour });
    expect(recorded.reason).toContain('names no end');
  });
});

describe('a certificate that was revoked', () => {
  beforeEach(() =>
    authority.state({
      both: { revokedFor: 'keyCompromise' },
      'by-ocsp': { revokedFor: 'superseded' },
      'by-crl': { revokedFor: 'keyCompromise' },
    }),
  );

  test.each(['both', 'by-ocsp', 'by-crl'])('is found out, asked %s', async (name) => {
    expect(await check1(name)).toBe('revoked');
  });

  test.each([
    ['by-ocsp', 'superseded'],
    ['by-crl', 'keyCompromise'],
  ])('is told with date, authority and reason (%s)', async (name, reason) => {
    const result = await check([name, 'ca']);
    expect(result.reason).toContain(
      `CN=${name} was revoked by CN=ca on 2025-01-02T03:04:05.000Z (${reason})`,
    );
  });

  test('decides for the whole chain, also when it is an authority', async () => {
    authority.state({ middle: { revokedFor: 'cACompromise' } });
    const result = await check(['below', 'middle', 'ca']);
    expect(result.status).toBe('revoked');
    expect(result.reason).toContain('CN=middle was revoked');
  });
});

describe('what cannot be told', () => {
  beforeEach(() => authority.state({ both: 'valid', 'by-ocsp': 'valid', 'by-crl': 'valid' }));

  test('a certificate that its authority does not know is looked up in the list instead', async () => {
    authority.state({});
    expect((await check(['by-ocsp', 'ca'])).reason).toContain('does not know the certificate');
    expect(await check1('both')).toBe('good');
    expect(authority.asked).toEqual(['/ocsp', '/ocsp', '/ca.crl']);
  });

  test.each([
    ['by-ocsp', 2 * day, 'expired on'],
    ['by-crl', 2 * day, 'expired on'],
    ['by-ocsp', -hour, 'of the future'],
    ['by-crl', -hour, 'of the future'],
  ])('an answer for another time (%s, %d ms later)', async (name, later, reason) => {
    const recorded = Date.now();
    const result = await check([name, 'ca'], { later: later + (Date.now() - recorded) });
    expect(result.status).toBe('untold');
    expect(result.reason).toContain(reason);
  });

  test('an answer by somebody whom the authority has not made for that', async () => {
    authority.responder = 'impostor';
    expect((await check(['by-ocsp', 'ca'])).reason).toContain('is not made for signing OCSP answers');
  });

  test('an answer by a stranger of the same name', async () => {
    authority.write('false.key', stranger.workshop.read('ca.key'));
    authority.write('false.crt', stranger.workshop.read('ca.crt'));
    authority.responder = 'false';
    const result = await check(['by-ocsp', 'ca']);
    expect(result.status).toBe('untold');
    expect(result.reason).toContain('signature');
  });

  test('a list by a stranger of the same name', async () => {
    stranger.state({});
    const list = stranger.workshop;
    list.openssl('crl', '-in', 'list.pem', '-outform', 'DER', '-out', 'ca.crl');
    authority.write('ca.crl', readFileSync(list.path('ca.crl')));
    const result = await check(['by-crl', 'ca']);
    expect(result.status).toBe('untold');
    expect(result.reason).toContain('signature of the list');
  });

  test('an answer that was recorded for another request', async () => {
    let recorded: Uint8Array | undefined;
    const replay: Ask = async (request) => {
      recorded ??= await overHttp(request);
      return recorded;
    };
    expect((await check(['by-ocsp', 'ca'], { ask: replay })).status).toBe('good');
    const again = await check(['by-ocsp', 'ca'], { ask: replay });
    expect(again.reason).toContain('to another request');
  });

  test('an answer for another certificate', async () => {
    let recorded: Promise<Uint8Array> | undefined;
    const replay = withoutNonce((request) => {
      recorded ??= overHttp(request);
      return recorded;
    });
    expect((await check(['both', 'ca'], { ask: replay })).status).toBe('good');
    expect((await check(['by-ocsp', 'ca'], { ask: replay })).reason).toContain('for another certificate');
  });

  test.each([
    ['by-ocsp', '/ocsp', 'no OCSP response'],
    ['by-crl', '/ca.crl', 'no certificate revocation list'],
  ])('an answer that is something else (%s)', async (name, path, reason) => {
    authority.distortions.set(path, () => Buffer.from('<html>please sign in</html>'));
    expect((await check([name, 'ca'])).reason).toContain(reason);
  });

  test.each([
    ['by-ocsp', '/ocsp', 'good'],
    ['by-ocsp', '/ocsp', 'revoked'],
    ['by-crl', '/ca.crl', 'good'],
    ['by-crl', '/ca.crl', 'revoked'],
  ] as const)(
    'any changed byte of an answer of %s at %s cannot turn "%s" around',
    async (name, path, status) => {
      authority.state({ [name]: status === 'good' ? 'valid' : { revokedFor: 'superseded' } });
      let original: Buffer = Buffer.alloc(0);
      authority.distortions.set(path, (answer) => {
        original = answer;
        return answer;
      });
      const nonce = randomBytes(32);
      const chain = [name, 'ca'].map((one) => authority.certificate(one));
      const options = { now: () => new Date(), random: () => nonce };
      expect((await checkChain(chain, { ...options, ask: overHttp })).status).toBe(status);
      for (let index = 0; index < original.length; index += 11) {
        const changed = Buffer.from(original);
        changed[index] = (changed[index] ?? 0) ^ 0x15;
        const result = await checkChain(chain, { ...options, ask: async () => changed });
        // A changed header that the signature does not cover may be read all the same.
        expect([status, 'untold'], `byte ${index}`).toContain(result.status);
      }
    },
  );

  test('nobody answers', async () => {
    const result = await check(['deaf', 'ca']);
    expect(result.status).toBe('untold');
    expect(result.reason).toContain('CN=deaf cannot be checked for revocation: http://127.0.0.1:1/ocsp');
  });

  test('the certificate of the issuer is missing', async () => {
    const result = await check(['by-ocsp']);
    expect(result.status).toBe('untold');
    expect(result.reason).toContain('put the whole chain into the file');
  });

  test('a list that only holds changes, one for other certificates, and one that is signed with SHA-1', async () => {
    const extension = (line: string) => `[x]\n${line}\n`;
    for (const [text, reason] of [
      ['2.5.29.27=critical,DER:020101', 'only changes'],
      ['issuingDistributionPoint=critical,@p\n[p]\nindirectCRL=TRUE', 'indirect'],
      ['issuingDistributionPoint=critical,@p\n[p]\nonlyCA=TRUE', 'other kinds'],
      ['issuingDistributionPoint=critical,@p\n[p]\nonlyAA=TRUE', 'other kinds'],
      ['issuingDistributionPoint=critical,@p\n[p]\nonlysomereasons=keyCompromise', 'only some reasons'],
      ['issuingDistributionPoint=critical,@p\n[p]\nfullname=URI:http://example.com/x', 'another address'],
      ['1.2.3.4=critical,DER:0500', 'critical extension 1.2.3.4'],
    ] as const) {
      const settings = authority.workshop.read('ca.cnf').split('[x]')[0];
      authority.write('ca.cnf', `${settings}${extension(text)}`);
      authority.state({ 'by-crl': 'valid' }, ['-crldays', '1', '-crlexts', 'x']);
      expect((await check(['by-crl', 'ca'])).reason).toContain(reason);
    }
    authority.state({ 'by-crl': 'valid' }, ['-crldays', '1', '-md', 'sha1']);
    expect((await check(['by-crl', 'ca'])).reason).toContain('signature');
  });
});

describe('a certificate without an address to ask at', () => {
  test.each(['without', 'directory'])('has no value (%s)', async (name) => {
    const result = await check([name, 'ca']);
    expect(result).toEqual({ status: 'noAddress', reason: `CN=${name} names no OCSP or CRL address` });
  });

  test('has none either when it is signed by itself', async () => {
    expect((await check(['ca'])).status).toBe('noAddress');
  });
});

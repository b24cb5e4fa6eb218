import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { TestContext } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { agentAuthority } from './authority.ts';
import { issueListenerIdentity } from './listener-identity.ts';

const day = 86_400_000;

describeOnEachEngine('the agent authority', (database) => {
  let context: TestContext;
  beforeAll(() => {
    context = new TestContext(database());
  });

  test('is made once, also when replicas start together, and its key is sealed', async () => {
    const made = await Promise.all(Array.from({ length: 4 }, () => agentAuthority(context)));
    expect(new Set(made.map(({ fingerprint }) => fingerprint)).size).toBe(1);
    const rows = await database().tables.selectFrom('agent_authorities').selectAll().execute();
    expect(rows).toHaveLength(1);
    expect(rows[0]?.private_key).toMatch(/^v1\./);
    const written = await database()
      .tables.selectFrom('audit_entries')
      .select('outcome')
      .where('action', '=', 'agentAuthority.create')
      .execute();
    expect(written).toHaveLength(1);
    const certificate = new X509Certificate(made[0]?.pem ?? '');
    expect(certificate.ca).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    const years = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / (365 * day);
    expect(years).toBe(10);
  });

  test('signs for the listener the host of its address and loopback, and asks for the next one at two thirds', async () => {
    const authority = await agentAuthority(context);
    const now = context.now();
    for (const [url, check] of [
      ['https://control.example.com:8444', (one: X509Certificate) => one.checkHost('control.example.com')],
      ['https://[2001:db8::7]:8444', (one: X509Certificate) => one.checkIP('2001:db8::7')],
    ] as const) {
      const identity = await issueListenerIdentity(authority, url, now);
      const certificate = new X509Certificate(identity.cert);
      expect(check(certificate)).toBeDefined();
      expect([certificate.checkHost('localhost'), certificate.checkIP('127.0.0.1')]).not.toContain(undefined);
      expect(certificate.verify(new X509Certificate(authority.pem).publicKey)).toBe(true);
      expect((identity.renewAt.getTime() - now.getTime()) / day).toBe(60);
    }
  });
});

import type { FastifyInstance } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { makeAccount } from '../accounts/account-testing.ts';
import { registerRoutes } from '../routes.ts';
import { TestContext, testApplication } from '../testing/application.ts';
import { describeOnEachEngine } from '../testing/databases.ts';
import { GraphCaller } from '../testing/graph.ts';
import { parseJsonBody } from './json-body.ts';

const marker = 'S3CRET';

describeOnEachEngine('a secret in a body that is refused', (database) => {
  let application: FastifyInstance;
  let graph: GraphCaller;
  let account: string;
  beforeAll(async () => {
    const context = new TestContext(database());
    application = await testApplication(context, registerRoutes);
    graph = new GraphCaller(application);
    account = await makeAccount(context, 'anna');
  });

  const provider = { displayName: 'x', issuer: 'https://id.example.com', clientId: 'x' };
  test.each([
    ['/api/v1/identityProviders', { ...provider, clientSecret: [marker] }, 'clientSecret'],
    ['/api/v1/identityProviders', { ...provider, clientSecret: marker.repeat(1_000) }, 'clientSecret'],
    ['/api/v1/accounts', { userName: 'x', password: { is: marker } }, 'password'],
    ['/api/v1/accounts', { userName: 'x', password: marker }, 'password'],
    ['/api/v1/accounts', [{ userName: 'x', password: marker }], ''],
    ['/api/v1/accounts/ID/resetPassword', { password: [marker] }, 'password'],
    ['/api/v1/me/changePassword', { presentPassword: [marker], newPassword: '' }, 'presentPassword'],
    ['/api/v1/me/changePassword', { presentPassword: '', newPassword: [marker] }, 'newPassword'],
    ['/api/v1/me/secondFactor/confirm', { code: [marker] }, 'code'],
  ])('at %s is not in the answer: %j', async (path, body, target) => {
    const refused = await graph.post(path.replace('ID', account), body);
    expect([refused.status, refused.body.error.details[0].target]).toEqual([400, target]);
    expect(JSON.stringify(refused.body)).not.toContain(marker);
  });

  test('is marked as written only in the document', async () => {
    const { body } = await graph.get('/openapi.json');
    const { schema } = body.paths['/api/v1/accounts'].post.requestBody.content['application/json'];
    expect(schema.properties.password).toMatchObject({ type: 'string', writeOnly: true });
  });
});

test.each([
  `{"password": ${marker}}`,
  `{"displayName": "${'x'.repeat(100)}", "password": '${marker}', "isEnabled": true}`,
  `{"password": "${marker}"`,
  `{"password": "${marker}\n"}`,
  `"${marker}" "`,
])('a body that is no JSON is not repeated: %s', (text) => {
  let message = '';
  try {
    parseJsonBody(Buffer.from(text));
  } catch (error) {
    message = String(error);
  }
  expect(message).toContain('the body is not JSON: ');
  expect(message).not.toContain(marker);
});

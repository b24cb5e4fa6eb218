import { checkInAnswerSchema } from '@culvert/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ListenerOfTests, startListenerOfTests } from '../testing/agent-listener.ts';
import { describeOnEachEngine } from '../testing/databases.ts';

describeOnEachEngine('check-ins', (database) => {
  let tests: ListenerOfTests;
  beforeAll(async () => {
    tests = await startListenerOfTests(database());
  });
  afterAll(() => tests.stop());

  test('an agent that has joined is answered with what its server is to be', async () => {
    const agent = await tests.agent();
    const { status, body } = await agent.checkIn();
    expect([status, body]).toEqual([200, expect.anything()]);
    const answer = checkInAnswerSchema.parse(body);
    expect(answer).toMatchObject({
      nextCheckInSeconds: 60,
      commands: [],
      configuration: { publicAddress: 'vpn.example.com', serverConfiguration: { network: '10.70.0.0/16' } },
    });
  });
});

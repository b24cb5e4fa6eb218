import { expect, test } from 'vitest';
import { useFleet } from './use-fleet.ts';

const fleet = useFleet({ servers: 2, devices: 1, running: 'nothing' });

test('a join token lets one server in, and is refused in words to the next', async () => {
  const token = await fleet().createJoinToken({ siteId: fleet().siteId });
  const first = await fleet().serverAt(0).join(token);
  expect(`${first.stdout}${first.stderr}`).toContain('server1');
  expect(first.code).toBe(0);
  const second = await fleet().serverAt(1).join(token);
  expect(second.code).toBe(1);
  expect(`${second.stdout}${second.stderr}`).toMatch(
    /a server has joined with this join token.*make another/s,
  );
  expect((await fleet().serverRecords()).map(({ displayName }) => displayName)).toEqual(['server1']);
});

test('a join token that was taken back lets nobody in', async () => {
  const token = await fleet().createJoinToken({ siteId: fleet().siteId });
  const { value } = await fleet().controlPlane.ask('GET', '/api/v1/joinTokens');
  for (const { id } of value as { id: string }[]) {
    await fleet().controlPlane.ask('DELETE', `/api/v1/joinTokens/${id}`);
  }
  const { code, stdout, stderr } = await fleet().serverAt(1).join(token);
  expect(`${stdout}${stderr}`).toMatch(/there is no such join token/);
  expect(code).toBe(1);
});

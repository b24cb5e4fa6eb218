import { setTimeout as sleep } from 'node:timers/promises';
import { configurationExample } from '../testing/graph.ts';
import type { Answer, ControlPlaneProcess } from '../testing/process.ts';

const url = '/graph/beta/deviceManagement/microsoftTunnelConfigurations';

/** One object and what its writer knows about it: what was acknowledged, and what was sent without an answer. */
export interface Written {
  name: string;
  id: string | undefined;
  /** The version that was acknowledged, and the one that may have come about. */
  acknowledged: number;
  sent: number;
  deletion: 'none' | 'sent' | 'acknowledged';
}

/**
 * Creates an object, changes it again and again and now and then deletes it, until the connection breaks. Each change raises the
 * version by one and makes one audit entry.
 */
async function write(
  controlPlane: ControlPlaneProcess,
  name: string,
  written: Written[],
  onAcknowledged: () => void,
): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const object: Written = {
      name: `${name}-${turn}`,
      id: undefined,
      acknowledged: 0,
      sent: 1,
      deletion: 'none',
    };
    written.push(object);
    const body = { ...configurationExample, displayName: object.name };
    const created = requireStatus(await controlPlane.request('POST', url, body), 201);
    object.id = created.body.id;
    object.acknowledged = 1;
    onAcknowledged();
    for (let change = 0; change < 3; change += 1) {
      object.sent += 1;
      const description = `change ${object.sent}`;
      requireStatus(await controlPlane.request('PATCH', `${url}/${object.id}`, { description }), 200);
      object.acknowledged += 1;
      onAcknowledged();
    }
    if (turn % 2 === 0) continue;
    object.deletion = 'sent';
    requireStatus(await controlPlane.request('DELETE', `${url}/${object.id}`), 204);
    object.deletion = 'acknowledged';
    onAcknowledged();
  }
}

function requireStatus(answer: Answer, expected: number): Answer {
  if (answer.status === expected) return answer;
  throw new Error(`expected ${expected}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
}

/** Lets writers write until so many changes were acknowledged, kills the process a moment later, and resolves to what they know. */
export async function writeAndKill(
  controlPlane: ControlPlaneProcess,
  name: string,
  { writers, changes, moment }: { writers: number; changes: number; moment: number },
): Promise<Written[]> {
  const written: Written[] = [];
  let left = changes;
  let killed: Promise<unknown> | undefined;
  const kill = async () => {
    await sleep(moment);
    return controlPlane.end('SIGKILL');
  };
  const onAcknowledged = () => {
    left -= 1;
    if (left === 0) killed = kill();
  };
  const all = Array.from({ length: writers }, (_, index) =>
    write(controlPlane, `${name}-${index}`, written, onAcknowledged).catch((error: Error) => {
      // Until then every request must be answered as expected.
      if (killed === undefined) throw error;
    }),
  );
  await Promise.all(all);
  await killed;
  return written;
}

/** What is wrong with what is there, compared with what the writers know. */
export async function differences(
  controlPlane: ControlPlaneProcess,
  name: string,
  written: readonly Written[],
): Promise<string[]> {
  const objects = await list(controlPlane, `${url}?$filter=startswith(displayName,'${name}-')`);
  const entries = await list(controlPlane, `/api/v1/auditEntries?$filter=startswith(objectName,'${name}-')`);
  const problems: string[] = [];
  for (const { name: objectName, id, acknowledged, sent, deletion } of written) {
    const present = objects.find((object) => object.displayName === objectName);
    const verbs = entries
      .filter((entry) => entry.objectName === objectName)
      .map((entry) => String(entry.action).split('.')[1]);
    const count = (verb: string) => verbs.filter((other) => other === verb).length;
    const versions = count('create') + count('update');
    const say = (problem: string) => problems.push(`${objectName}: ${problem} (${verbs})`);
    if (versions < acknowledged)
      say(`${acknowledged} changes were acknowledged and ${versions} were written down`);
    if (versions > sent) say(`${sent} changes were sent and ${versions} were written down`);
    if (deletion === 'acknowledged' && count('delete') !== 1) say('its deletion was not written down');
    if (deletion === 'none' && count('delete') !== 0) say('a deletion was written down that nobody sent');
    const isExpected = count('create') === 1 && count('delete') === 0;
    if ((present !== undefined) !== isExpected) say(`it is ${present === undefined ? 'not ' : ''}there`);
    if (present === undefined) continue;
    if (id !== undefined && present.id !== id) say('it has another identifier');
    const expected = versions === 1 ? '' : `change ${versions}`;
    if (present.description !== expected) say(`it has "${present.description}" instead of "${expected}"`);
  }
  const strangers = objects.filter((object) => !written.some((one) => one.name === object.displayName));
  return [...problems, ...strangers.map((object) => `${object.displayName}: nobody made it`)];
}

async function list(controlPlane: ControlPlaneProcess, path: string): Promise<Record<string, unknown>[]> {
  const answer = requireStatus(await controlPlane.request('GET', `${path}&$top=1000`), 200);
  if (answer.body['@odata.nextLink'] !== undefined) throw new Error('a round wrote more than a page');
  return answer.body.value;
}

import type { SessionView } from '@culvert/contracts';
import { networkContains } from '@culvert/contracts';
import { Failure } from '../../program/failure.ts';

/** Letters of an id that a person has to read and type at least. */
const shortest = 8;

/** The shortest beginning that names each of the ids alone, at least eight letters. */
export function shortIds(ids: readonly string[]): Map<string, string> {
  const sorted = ids.toSorted();
  return new Map(
    sorted.map((id, index) => {
      const shared = Math.max(common(id, sorted[index - 1]), common(id, sorted[index + 1]));
      return [id, id.slice(0, Math.max(shortest, shared + 1))];
    }),
  );
}

function common(id: string, other = ''): number {
  let length = 0;
  while (length < id.length && id[length] === other[length]) length += 1;
  return length;
}

/** The session whose id begins so. Throws a Failure when there is none or more than one. */
export function sessionOf(sessions: readonly SessionView[], beginning: string): SessionView {
  const wanted = beginning.toLowerCase();
  const found = sessions.filter(({ id }) => id.startsWith(wanted));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (found.length > 1) {
    throw new Failure({
      en: `${beginning} is the beginning of ${found.length} sessions. Write more of the id.`,
      ja: `${beginning} で始まるセッションが ${found.length} 件あります。ID をさらに長く指定してください。`,
    });
  }
  throw new Failure({
    en: `There is no session ${beginning}. See: mst-cli server show sessions all`,
    ja: `セッション ${beginning} はありません。mst-cli server show sessions all で確認してください。`,
  });
}

/** Sessions of a user, whose name is compared as it is written. Throws a Failure when there is none. */
export function sessionsOfUser(sessions: readonly SessionView[], user: string): SessionView[] {
  const found = sessions.filter((session) => session.user === user);
  if (found.length > 0) return found;
  throw new Failure({
    en: `${user} has no session. See: mst-cli server show users`,
    ja: `${user} のセッションはありません。mst-cli server show users で確認してください。`,
  });
}

/** True when the device of the session has this address inside the tunnel. */
export function hasAddress({ ipv4, ipv6 }: SessionView, address: string): boolean {
  return [ipv4, ipv6].some((own) => own !== undefined && isSame(own, address));
}

/** The same address, however it is written. */
const isSame = (own: string, other: string) =>
  networkContains(`${own}/${own.includes(':') ? 128 : 32}`, other);

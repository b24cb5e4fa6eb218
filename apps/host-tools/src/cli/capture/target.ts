import { isAddress, type SessionView } from '@culvert/contracts';
import { Failure } from '../../program/failure.ts';
import { hasAddress } from '../sessions/session-ids.ts';

/** What is captured: an interface, and of it the packets of some addresses or all. */
export interface CaptureTarget {
  interface: string;
  /** Addresses inside the tunnel; none for every packet. */
  addresses: readonly string[];
}

/** Names that Linux gives interfaces, as far as administrators use them; never an option of a program. */
const interfaceName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/;

/**
 * What a person means by a word: an address inside the tunnel, the beginning of a session's id, a user, or an interface. Throws a
 * Failure when it is nothing of these.
 */
export function captureTarget(
  word: string,
  sessions: readonly SessionView[],
  tunnelInterface: string,
): CaptureTarget {
  const found = isAddress(word)
    ? sessions.filter((session) => hasAddress(session, word))
    : sessions.filter(({ id, user }) => user === word || isBeginning(word, id));
  if (found.length > 0 && interfaceName.test(tunnelInterface)) {
    const addresses = found.flatMap(({ ipv4, ipv6 }) => (ipv6 === undefined ? [ipv4] : [ipv4, ipv6]));
    return { interface: tunnelInterface, addresses };
  }
  // An address that no device has now may be that of one that comes in a moment.
  if (isAddress(word)) return { interface: tunnelInterface, addresses: [word] };
  if (interfaceName.test(word)) return { interface: word, addresses: [] };
  throw new Failure({
    en: `${word} is no address, session or user with a session, and no name of an interface. See: mst-cli server show users`,
    ja: `${word} は、アドレス、セッション、セッションのあるユーザー、インターフェイス名のいずれでもありません。mst-cli server show users で確認してください。`,
  });
}

/** Four letters of an id are enough to mean it, fewer may be anything. */
const isBeginning = (word: string, id: string) => word.length >= 4 && id.startsWith(word.toLowerCase());

/** The words of tcpdump: packets as they are, whole, to standard output. */
export function tcpdumpWords({ interface: name, addresses }: CaptureTarget): string[] {
  const filter = addresses.flatMap((address, index) => [...(index === 0 ? [] : ['or']), 'host', address]);
  return ['tcpdump', '-i', name, '-n', '-p', '-U', '-Z', 'root', '-s', '0', '-w', '-', ...filter];
}

import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { describePlace, dial, type Place } from './dial.ts';
import { Unreachable } from './failures.ts';
import type { HttpProxy } from './proxy.ts';

/** Milliseconds for the time of the other side, which only makes an error clearer. */
const clockMilliseconds = 3_000;
const day = 86_400_000;

/**
 * Resolves when the other end has a certificate of the trusted authority for its name; otherwise destroys the connection
 * and rejects with Unreachable, which says whose certificate it is and what to do.
 */
export async function requireTrusted(socket: TLSSocket, place: Place, now: () => Date): Promise<void> {
  if (socket.authorized) return;
  const code = String(socket.authorizationError);
  const certificate = socket.getPeerX509Certificate();
  // Only the dates are wrong, so the other end has a key of the authority, and its clock is worth asking.
  const isExpired = code === 'CERT_HAS_EXPIRED';
  const remote = isExpired ? await remoteTime(socket) : undefined;
  socket.destroy();
  throw new Unreachable(explainDistrust(code, certificate, place, now(), remote));
}

/** Why a certificate is not trusted, in a sentence. `remote` is the time of the other side where it is known. */
export function explainDistrust(
  code: string,
  certificate: X509Certificate | undefined,
  place: Place,
  now: Date,
  remote?: Date,
): string {
  const where = describePlace(place);
  if (certificate === undefined) return `${where} shows no certificate`;
  const { validFromDate, validToDate } = certificate;
  const clock = `the clock of this host says ${now.toISOString()}`;
  if (code === 'CERT_NOT_YET_VALID') {
    return `${clock}, but the certificate of ${where} is good from ${validFromDate.toISOString()} on: set the clock of this host (timedatectl)`;
  }
  if (code === 'CERT_HAS_EXPIRED') {
    const expired = `the certificate of ${where} expired at ${validToDate.toISOString()}`;
    if (remote !== undefined && remote < validToDate && now.getTime() - remote.getTime() > day / 24) {
      return `${clock}, but the control plane says ${remote.toISOString()}, and by it its certificate is good: set the clock of this host (timedatectl)`;
    }
    return `${expired} and ${clock}: if that is right, restart the control plane, which renews its certificate; if not, set the clock`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the certificate of ${where} is for ${certificate.subjectAltName ?? 'nobody'}: use the address that the control plane has for its agents (agents.url)`;
  }
  return `a proxy on the way inspects TLS: ${where} shows a certificate of "${oneLine(certificate.issuer)}" for "${oneLine(certificate.subject)}", not of the authority of the control plane; exempt ${where} from inspection. If there is no such proxy, this is not the control plane that this server has joined: check the address, or join again`;
}

/** The certificate of the authority with a fingerprint, as the other end shows it, in PEM. Rejects with Unreachable. */
export async function fetchAuthority(
  place: Place,
  proxy: HttpProxy | undefined,
  fingerprint: string,
): Promise<string> {
  const socket = await dial(place, proxy, {});
  const leaf = socket.getPeerX509Certificate();
  socket.destroy();
  for (let shown = leaf; shown !== undefined; shown = shown.issuerCertificate) {
    if (fingerprintOf(shown) === fingerprint) return shown.toString();
    if (shown.issuerCertificate === shown) break;
  }
  throw new Unreachable(explainDistrust('', leaf, place, new Date()));
}

/** SHA-256 of a certificate, lower-case hexadecimal. */
export function fingerprintOf({ raw }: Pick<X509Certificate, 'raw'>): string {
  return createHash('sha256').update(raw).digest('hex');
}

/** `Date` (RFC 9110 §6.6.1) of an answer over this connection; undefined when there is none in time. */
function remoteTime(socket: TLSSocket): Promise<Date | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const finish = () => {
      clearTimeout(timer);
      const value = Date.parse(/^date: *([^\r\n]+)/im.exec(text)?.[1] ?? '');
      resolve(Number.isNaN(value) ? undefined : new Date(value));
    };
    const timer = setTimeout(finish, clockMilliseconds);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n\r\n') || text.length > 16_384) finish();
    });
    socket.once('close', finish);
    socket.once('error', finish);
    socket.write('HEAD / HTTP/1.1\r\nhost: control-plane\r\nconnection: close\r\n\r\n');
  });
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ').slice(0, 200);
}

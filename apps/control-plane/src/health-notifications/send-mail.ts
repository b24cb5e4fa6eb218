import { rootCertificates } from 'node:tls';
import { createTransport } from 'nodemailer';
import type { MailTarget } from './channel.ts';
import { connectionFailure, DeliveryFailure, oneLine, timeoutSeconds } from './failure.ts';

/** Seconds in which a mail server must have taken a message: one that answers a word now and then must not hold up the others. */
const mailSeconds = 60;

/** Sends plain text to every recipient. Rejects with a DeliveryFailure unless the mail server took it for all of them. */
export async function sendMail(
  target: MailTarget,
  { id, subject, body }: { id: string; subject: string; body: string },
  now: Date,
  { signal, seconds = mailSeconds }: { signal?: AbortSignal | undefined; seconds?: number } = {},
): Promise<void> {
  const { host, port, security, credentials, from, to, authority } = target;
  const timeout = timeoutSeconds * 1000;
  const limit = AbortSignal.timeout(seconds * 1000);
  const transport = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'startTls',
    ignoreTLS: security === 'none',
    ...(credentials === undefined ? {} : { auth: { user: credentials.user, pass: credentials.password } }),
    ...(authority === undefined ? {} : { tls: { ca: [...rootCertificates, authority] } }),
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const { rejected } = await transport.sendMail({
      from,
      to: [...to],
      subject,
      text: body,
      date: now,
      // The same each time that it is tried, so that readers see a message once.
      messageId: `<${id}@culvert.invalid>`,
      // So that nobody's absence is answered to it (RFC 3834 §5).
      headers: { 'Auto-Submitted': 'auto-generated' },
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    if (rejected.length > 0) {
      throw new DeliveryFailure(`${host} does not take mail for ${rejected.join(', ')}; check "to"`);
    }
  } catch (error) {
    if (limit.aborted) {
      throw new DeliveryFailure(`${host}:${port} did not take the message within ${seconds} seconds`, {
        cause: error,
      });
    }
    throw error instanceof DeliveryFailure ? error : mailFailure(error, `${host}:${port}`);
  } finally {
    transport.close();
  }
}

/** By the codes of nodemailer; `response` is what the mail server said. */
function mailFailure(error: unknown, place: string): DeliveryFailure {
  const { code, response } = error as { code?: string; response?: string };
  const said = response === undefined ? '' : `: ${oneLine(response)}`;
  const wrap = (message: string) => new DeliveryFailure(message, { cause: error });
  switch (code) {
    case 'EAUTH':
    case 'ENOAUTH':
      return wrap(`${place} refuses user and password${said}`);
    case 'EENVELOPE':
      return wrap(`${place} refuses the sender or every recipient${said}; check "from" and "to"`);
    case 'ETLS':
      if (/certificate|altnames/i.test((error as Error).message)) break;
      return wrap(`${place} does not offer STARTTLS; choose another "security" or port`);
    case 'EDNS':
      return connectionFailure(Object.assign(new Error(), { code: 'ENOTFOUND', cause: error }), place);
    case 'EMESSAGE':
    case 'EPROTOCOL':
      return wrap(`${place} does not take the message${said}`);
    default:
  }
  return connectionFailure(error, place);
}

import type { Channel } from './channel.ts';
import { type Message, textOf, webhookBody } from './message.ts';
import { sendMail } from './send-mail.ts';
import { sendWebhook } from './send-webhook.ts';

/** Sends a message over a channel. Rejects with a DeliveryFailure that says why it did not arrive. */
export async function send(
  { target, language }: Channel,
  id: string,
  message: Message,
  now: Date,
  signal?: AbortSignal,
): Promise<void> {
  if (target.kind === 'mail') return sendMail(target, { id, ...textOf(message, language) }, now, { signal });
  const signed = { id: `msg_${id}`, body: webhookBody(message, language, now) };
  return sendWebhook(target, signed, now, signal);
}

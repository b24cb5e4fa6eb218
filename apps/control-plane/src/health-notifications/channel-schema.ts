import { X509Certificate } from 'node:crypto';
import { acrossFields, isAddress } from '@culvert/contracts';
import { z } from 'zod';
import { overallStatuses } from '../health-status/overall.ts';
import { languages } from '../health-status/words.ts';
import { secret } from '../http/secret-text.ts';
import { channelKinds, securities, toldByDefault } from './entity.ts';
import { secretKey, secretRule } from './webhook-signature.ts';

const hostName = z
  .string()
  .max(253)
  .refine((text) => isAddress(text) || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text), {
    error: 'expected the name or address of a mail server, such as smtp.example.com',
  });
const mailAddress = z.email({ error: 'expected an address such as operations@example.com' }).max(254);
const webhookUrl = z
  .url({ protocol: /^https$/, error: 'expected an https address, such as https://hooks.example.com/culvert' })
  .max(2_000)
  .refine((text) => URL.canParse(text) && new URL(text).username === '' && new URL(text).password === '', {
    error: 'must not contain a user or password',
  });
const certificates = z
  .string()
  .max(100_000)
  .refine(isPem, { error: 'expected a certificate in PEM, from -----BEGIN CERTIFICATE----- on' });

/** What each kind of channel needs and may have, besides what all have. */
const fieldsOf = {
  webhook: { needed: ['url'], allowed: ['url', 'secret'] },
  mail: {
    needed: ['host', 'security', 'from', 'to'],
    allowed: ['host', 'port', 'security', 'user', 'password', 'from', 'to'],
  },
} as const;

type OwnField = (typeof fieldsOf)[keyof typeof fieldsOf]['allowed'][number];
const ownFields: readonly OwnField[] = [...fieldsOf.webhook.allowed, ...fieldsOf.mail.allowed];
/** What the rule across fields reads, whatever is wrong with each. */
const everyField = {
  kind: z.enum(channelKinds),
  ...(Object.fromEntries(ownFields.map((name) => [name, z.unknown().optional()])) as Record<
    OwnField,
    z.ZodOptional<z.ZodUnknown>
  >),
};

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

/** A channel as it is written. */
export const channelSchema = z
  .strictObject({
    displayName: z.string().min(1).max(200),
    kind: z.enum(channelKinds),
    isEnabled: z.boolean().default(true),
    language: z.enum(languages).default('en').describe('Of the messages'),
    statuses: z
      .array(z.enum(overallStatuses))
      .min(1)
      .max(overallStatuses.length)
      .default(toldByDefault)
      .describe('A message tells of servers that get one of these statuses'),
    url: webhookUrl.optional().describe('Webhook: where messages are sent to'),
    secret: secret(z.string().refine((text) => secretKey(text) !== undefined, { error: secretRule }))
      .optional()
      .describe('Webhook: with which messages are signed (Standard Webhooks). Is never shown again'),
    host: hostName.optional().describe('Mail: the server'),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('Mail: 465 with tls, 587 with startTls, 25 with none'),
    security: z.enum(securities).optional(),
    user: z.string().min(1).max(254).optional(),
    password: secret(z.string().min(1).max(1_000)).optional().describe('Mail: is never shown again'),
    from: mailAddress.optional(),
    to: z.array(mailAddress).min(1).max(50).optional(),
    authority: certificates
      .optional()
      .describe('PEM of an authority that is trusted for this channel, besides those that are known'),
  })
  .check(
    acrossFields(everyField, (channel, report) => {
      const { needed, allowed } = fieldsOf[channel.kind];
      for (const name of needed) {
        if (isAbsent(channel[name])) report([name], `is needed for the kind ${channel.kind}`, undefined);
      }
      for (const name of ownFields) {
        if (isAbsent(channel[name]) || allowed.some((one) => one === name)) continue;
        // A secret must not be repeated.
        report([name], `is not for the kind ${channel.kind}: leave it out`, undefined);
      }
      if (channel.kind === 'mail' && channel.security === 'none' && !isAbsent(channel.user)) {
        report(
          ['security'],
          'a password is sent only over tls or startTls; leave user out without them',
          'none',
        );
      }
    }),
  );

function isPem(text: string): boolean {
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const one of found) new X509Certificate(one);
    return found.length > 0;
  } catch {
    return false;
  }
}

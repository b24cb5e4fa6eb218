import { z } from 'zod';

const publicName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[0-9A-Za-z:._-]+$/, { error: 'expected a name or an IP address, such as vpn.example.com' });

/** How the control plane is to connect back: `POST /api/v1/inboundProbes`. */
export const inboundProbeSchema = z.strictObject({
  /** Name or IP address. */
  address: publicName,
  port: z.int().min(1).max(65_535),
  /** SHA-256 of the certificate that is to answer over TCP, lower-case hex: nobody else can. */
  certificateFingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { error: 'expected 64 lower-case hexadecimal digits' }),
  /** Cookie of the HelloVerifyRequest that is to answer over UDP, 16 bytes in hex. Null when the other side counts what arrives. */
  udpCookie: z
    .string()
    .regex(/^[0-9a-f]{32}$/, { error: 'expected 32 lower-case hexadecimal digits' })
    .nullable(),
});
export type InboundProbe = z.output<typeof inboundProbeSchema>;

/** The same at the listener of agents, for servers that have not joined yet: `POST /agent/v1/inbound-probes`. */
export const agentInboundProbeSchema = inboundProbeSchema.extend({
  /** The secret of a join token; it is not used up. */
  joinToken: z.string().max(2000).optional(),
});

/** Whether what was sent arrived; milliseconds until the answer. Nothing tells why it did not. */
const arrivalSchema = z.object({ hasArrived: z.boolean(), milliseconds: z.int().nullable() });
export type Arrival = z.output<typeof arrivalSchema>;

export const inboundProbeAnswerSchema = z.object({
  value: z.array(
    z.object({
      address: z.string(),
      tcp: arrivalSchema,
      udp: arrivalSchema,
      /** Datagrams that were sent. */
      datagrams: z.int(),
    }),
  ),
});
export type InboundProbeAnswer = z.output<typeof inboundProbeAnswerSchema>;

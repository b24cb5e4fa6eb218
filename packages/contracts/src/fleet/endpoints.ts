import { z } from 'zod';

/** What a server, or the control plane itself, connects to. */
export const endpointKinds = [
  'controlPlane',
  'agentListener',
  'identityProvider',
  'imageRegistry',
  /** Only the control plane connects there. */
  'webhook',
] as const;
export type EndpointKind = (typeof endpointKinds)[number];

/** `GET /api/v1/endpoints` and `GET /agent/v1/endpoints`: names and ports, and nothing else of what is configured. */
export const endpointsSchema = z.object({
  value: z.array(
    z.object({
      kind: z.enum(endpointKinds),
      host: z.string().min(1).max(255),
      port: z.int().min(1).max(65_535),
      isTls: z.boolean(),
    }),
  ),
});
export type Endpoint = z.output<typeof endpointsSchema>['value'][number];

/** `GET /agent/v1/connection`: what the listener has seen of the client certificate of a connection. */
export const agentConnectionSchema = z.object({
  certificate: z.enum(['none', 'foreign', 'inForce', 'refused']),
  /** SHA-256 of the certificate, lower-case hex. */
  fingerprint: z.string().nullable(),
  /** Why a certificate of this control plane is refused. */
  reason: z.string().nullable(),
});
export type AgentConnection = z.output<typeof agentConnectionSchema>;

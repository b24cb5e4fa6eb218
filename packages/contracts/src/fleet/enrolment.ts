import { z } from 'zod';

/** Members of `microsoftTunnelDeploymentMode` (Graph beta). */
export const deploymentModes = [
  'standaloneRootful',
  'standaloneRootless',
  'podRootful',
  'podRootless',
  'unknownFutureValue',
] as const;

const pem = z.string().max(20_000);

/**
 * `POST /agent/v1/enrol`, without a client certificate: with a join token in the body, or with an administrator's access
 * token in `Authorization: Bearer` and a site, or a server that is there already.
 */
export const enrolmentSchema = z.strictObject({
  /** PKCS#10, PEM. Only its public key is taken over. */
  certificateRequest: pem,
  hostName: z.string().min(1).max(200),
  deploymentMode: z.enum(deploymentModes),
  joinToken: z.string().max(2000).optional(),
  siteId: z.string().max(100).optional(),
  /** Of a server that joins again under its old record. */
  serverId: z.string().max(100).optional(),
});
export type Enrolment = z.output<typeof enrolmentSchema>;

export const enrolmentAnswerSchema = z.strictObject({
  serverId: z.string().max(100),
  siteId: z.string().max(100),
  displayName: z.string(),
  /** PEM, the agent's certificate and then its authority. */
  certificate: pem,
});
export type EnrolmentAnswer = z.output<typeof enrolmentAnswerSchema>;

/** `POST /agent/v1/renew`, with the certificate that is valid still. The old one stays valid until the new one has been used. */
export const renewalSchema = z.strictObject({ certificateRequest: pem });
export const renewalAnswerSchema = z.strictObject({ certificate: pem });

/** `GET /api/v1/agentListener` of the control plane, public: where agents connect, and whom they may trust there. */
export const agentListenerSchema = z.strictObject({
  url: z.url({ protocol: /^https$/ }),
  /** PEM of the authority of the listener and of the agents. */
  authority: pem,
  /** SHA-256 of that certificate, lower-case hex. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
});
export type AgentListener = z.output<typeof agentListenerSchema>;

/** Why the control plane refuses an agent; the agent says it to the administrator of the host in words. */
export const agentRefusalCodes = [
  /** No client certificate, or one of another authority. */
  'unknownCertificate',
  'certificateExpired',
  'certificateRevoked',
  /** The record of the server is gone. */
  'serverDeleted',
  'joinTokenUnknown',
  'joinTokenUsed',
  'joinTokenExpired',
  'notAllowed',
  'invalid',
  'tooManyRequests',
  'unavailable',
] as const;
export type AgentRefusalCode = (typeof agentRefusalCodes)[number];

/** Body of every answer of the agent listener that is no success. */
export const agentRefusalSchema = z.strictObject({
  error: z.strictObject({ code: z.enum(agentRefusalCodes), message: z.string() }),
});

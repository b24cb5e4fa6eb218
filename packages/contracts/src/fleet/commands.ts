import { z } from 'zod';

const commandId = z.string().max(64);

/** What a server is told to do once, without its identifier. */
export const commandOrderSchema = z.discriminatedUnion('kind', [
  /** Ends gateway and engine and starts them again; devices come back by themselves. The desired configuration is applied with it. */
  z.strictObject({ kind: z.literal('restartServer') }),
  z.strictObject({ kind: z.literal('renewCertificate') }),
  z.strictObject({
    kind: z.literal('disconnectSession'),
    session: z.string().min(1).max(64),
    message: z.string().max(256).optional(),
  }),
  z.strictObject({
    kind: z.literal('disconnectUser'),
    user: z.string().min(1).max(254),
    message: z.string().max(256).optional(),
  }),
  /** Sends what was logged in this span as one archive, in pieces, to the collection of this identifier. */
  z.strictObject({
    kind: z.literal('collectLogs'),
    collection: z.string().max(64),
    start: z.iso.datetime(),
    end: z.iso.datetime(),
    /** The access log too, which has the names of users; only when an administrator has asked for it. */
    includeAccessLog: z.boolean().optional(),
  }),
]);
export type CommandOrder = z.output<typeof commandOrderSchema>;
export type CommandKind = CommandOrder['kind'];

/** A command as an agent gets it. It may come twice; the agent carries out each identifier once. */
export const commandSchema = z.strictObject({ id: commandId, order: commandOrderSchema });
export type Command = z.output<typeof commandSchema>;

/** What came of a command; sent until the control plane has answered. */
export const commandResultSchema = z.strictObject({
  id: commandId,
  outcome: z.enum(['done', 'failed']),
  /** A sentence for the administrator; the reason where it failed. */
  detail: z.string().max(1000).optional(),
});
export type CommandResult = z.output<typeof commandResultSchema>;

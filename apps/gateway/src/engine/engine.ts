import type { AttachedSession, EngineEvent, EngineRequest } from '@culvert/contracts';

type Parameters<Type extends EngineRequest['type']> = Omit<
  Extract<EngineRequest, { type: Type }>,
  'type' | 'id'
>;

/** What the gateway tells the engine when it is configured. */
export type EngineConfiguration = Parameters<'configure'>;
/** What the engine must know to carry the packets of one session. */
export type Attachment = Parameters<'attach'>;

/** Events of the engine that concern a session. */
export type SessionEvent = Extract<EngineEvent, { type: 'ended' | 'lost' | 'channel' }>;

/** The engine refused a request, or went away before it answered. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

/** The engine has answered that it will not; nothing of the request was done. */
export class EngineRefusal extends EngineError {}

/**
 * The packet path as the gateway sees it. Every method rejects with an `EngineError` when the engine
 * refuses, and also when it is away; the caller then answers "not now" and never "no".
 */
export interface Engine {
  configure(configuration: EngineConfiguration): Promise<void>;
  /** Sends the answer to CONNECT over the device's connection and moves it to the packet path. */
  attach(attachment: Attachment): Promise<void>;
  /** Ends a session in the engine; `message` is shown to the user. An unknown session is not an error. */
  detach(session: string, message: string): Promise<void>;
  list(): Promise<AttachedSession[]>;
  status(): Promise<Record<string, number>>;
  /** The end of this session is in the access log; the engine may forget it. */
  acknowledge(session: string): Promise<void>;
}

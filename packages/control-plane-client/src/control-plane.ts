import {
  type AgentRefusalCode,
  agentRefusalSchema,
  type CheckIn,
  type Enrolment,
  type EnrolmentAnswer,
  enrolmentAnswerSchema,
  longestWaitSeconds,
  renewalAnswerSchema,
  waitAnswerSchema,
} from '@culvert/contracts';
import { Client } from 'undici';
import type { z } from 'zod';
import { describePlace, dial, type Place } from './dial.ts';
import { explainSocketError, Refused, Unreachable } from './failures.ts';
import { type HttpProxy, withoutBrackets } from './proxy.ts';
import { requireTrusted } from './trust.ts';
import { type UnderstoodAnswer, understoodAnswerSchema } from './understood-answer.ts';

/** Bytes of an answer at most: a desired configuration with all its lists has a tenth. */
const longestAnswer = 2 << 20;
const answerMilliseconds = 30_000;
const longestRetryAfterSeconds = 3600;

export interface ControlPlaneOptions {
  url: string;
  /** PEM of the only authority that is trusted. */
  authority: string;
  credentials?: { privateKey: string; certificate: string };
  proxy?: HttpProxy;
  now?: () => Date;
}

export interface RequestOptions {
  signal?: AbortSignal;
  /** Milliseconds; 30 seconds by default. */
  patience?: number;
  authorization?: string;
  contentType?: string;
}

/**
 * The listener of agents. Requests run side by side on connections of their own, so that one that is held open holds
 * up no other. Every method rejects with Unreachable or Refused.
 */
export class ControlPlane {
  readonly place: Place;
  readonly #lanes: Record<'requests' | 'waiting' | 'uploads', Client>;

  constructor({ url, authority, credentials, proxy, now = () => new Date() }: ControlPlaneOptions) {
    const { hostname, port, origin } = new URL(url);
    const place = { host: withoutBrackets(hostname), port: port === '' ? 443 : Number(port) };
    this.place = place;
    const tls = {
      ca: authority,
      ...(credentials === undefined ? {} : { cert: credentials.certificate, key: credentials.privateKey }),
    };
    const open = async () => {
      const socket = await dial(place, proxy, tls);
      await requireTrusted(socket, place, now);
      return socket;
    };
    const lane = () =>
      new Client(origin, {
        connect: (_options, callback) => {
          open().then(
            (socket) => callback(null, socket),
            (error: Error) => callback(error, null),
          );
        },
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: 100_000,
        keepAliveMaxTimeout: 110_000,
        bodyTimeout: answerMilliseconds,
        maxResponseSize: longestAnswer,
      });
    this.#lanes = { requests: lane(), waiting: lane(), uploads: lane() };
  }

  enrol(enrolment: Enrolment, accessToken?: string): Promise<EnrolmentAnswer> {
    const authorization = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
    return this.#post('/agent/v1/enrol', enrolment, enrolmentAnswerSchema, authorization);
  }

  async renew(certificateRequest: string): Promise<string> {
    const { certificate } = await this.#post('/agent/v1/renew', { certificateRequest }, renewalAnswerSchema);
    return certificate;
  }

  /** Removes the record of this server. */
  async leave(): Promise<void> {
    await this.#exchange(this.#lanes.requests, 'DELETE', '/agent/v1/membership', undefined, {});
  }

  checkIn(checkIn: CheckIn, signal?: AbortSignal): Promise<UnderstoodAnswer> {
    const options = signal === undefined ? {} : { signal };
    return this.#post('/agent/v1/check-in', checkIn, understoodAnswerSchema, options);
  }

  /** True when something has changed since the cursor. */
  async wait(cursor: string, signal?: AbortSignal): Promise<boolean> {
    const patience = longestWaitSeconds * 1000 + answerMilliseconds;
    const options = signal === undefined ? { patience } : { patience, signal };
    const { hasChanged } = await this.#post('/agent/v1/wait', { cursor }, waitAnswerSchema, options);
    return hasChanged;
  }

  /** Sends bytes or nothing; resolves to the text of a successful answer. For uploads. */
  send(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body?: Buffer | string,
    options: RequestOptions = {},
  ): Promise<string> {
    return this.#exchange(this.#lanes.uploads, method, path, body, options);
  }

  /** Ends every connection at once. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#lanes).map((lane) => lane.destroy()));
  }

  async #post<Schema extends z.ZodType>(
    path: string,
    body: object,
    schema: Schema,
    options: RequestOptions = {},
  ): Promise<z.output<Schema>> {
    const lane = path === '/agent/v1/wait' ? this.#lanes.waiting : this.#lanes.requests;
    const text = await this.#exchange(lane, 'POST', path, JSON.stringify(body), {
      ...options,
      contentType: 'application/json',
    });
    const answer = schema.safeParse(parse(text));
    if (answer.success) return answer.data;
    const field = answer.error.issues[0]?.path.join('.') || 'the answer';
    throw new Unreachable(
      `${describePlace(this.place)} answers ${path} in another way (${field}): are control plane and agent of versions that go together?`,
    );
  }

  async #exchange(
    lane: Client,
    method: 'DELETE' | 'GET' | 'POST' | 'PUT',
    path: string,
    body: Buffer | string | undefined,
    { signal, patience = answerMilliseconds, authorization, contentType }: RequestOptions,
  ): Promise<string> {
    try {
      const {
        statusCode,
        headers,
        body: answer,
      } = await lane.request({
        method,
        path,
        body: body ?? null,
        headers: {
          ...(contentType === undefined ? {} : { 'content-type': contentType }),
          ...(authorization === undefined ? {} : { authorization }),
        },
        headersTimeout: patience,
        signal: signal ?? null,
      });
      const text = await answer.text();
      if (statusCode >= 200 && statusCode < 300) return text;
      throw this.#refusal(statusCode, text, headers['retry-after']);
    } catch (error) {
      if (error instanceof Refused || error instanceof Unreachable || signal?.aborted === true) throw error;
      const failure = error instanceof Error ? error : new Error(String(error));
      throw new Unreachable(explainSocketError(failure, describePlace(this.place)));
    }
  }

  #refusal(status: number, text: string, retryAfter: string | string[] | undefined): Error {
    const seconds = Math.min(Number(retryAfter), longestRetryAfterSeconds);
    const wait = seconds > 0 ? seconds * 1000 : undefined;
    const refusal = agentRefusalSchema.safeParse(parse(text));
    if (refusal.success) {
      const { code, message } = refusal.data.error;
      return new Refused(code, message, wait);
    }
    const code: AgentRefusalCode = status === 429 ? 'tooManyRequests' : 'unavailable';
    return new Refused(code, `${describePlace(this.place)} answers with status ${status}`, wait);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

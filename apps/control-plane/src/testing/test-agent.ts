import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { newKeys, pem, privateKeyPem } from '@culvert/certificates/issue.ts';
import type { CheckIn, EnrolmentAnswer } from '@culvert/contracts';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';

/** Where a test agent connects, and whom it trusts there. */
export interface AgentPlace {
  /** Port of loopback. */
  port: number;
  /** PEM of the agent authority. */
  authority: string;
  /** The name that the listener's certificate must have. */
  host: string;
}

export interface AgentAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers without a type on purpose.
  body: any;
}

/** How a test agent is let in: a secret of a join token, or an administrator's token for a site or a server. */
export interface WayIn {
  joinToken?: string;
  bearer?: string;
  siteId?: string;
  serverId?: string;
  hostName?: string;
}

/** A check-in of a healthy server, with nothing special about it. */
export function checkInExample(further: Partial<CheckIn> = {}): CheckIn {
  return {
    hostName: 'gateway-1',
    versions: { agent: '0.1.0', gateway: '0.1.0', engine: '0.1.0' },
    digests: {},
    sessions: { connected: 3, away: 1, capacity: 250 },
    samples: [],
    reasons: {},
    commandResults: [],
    logsAreVerbose: false,
    ...further,
  };
}

/** A key and a request for its certificate (PKCS#10), both PEM. */
export async function makeCertificateRequest(
  keys?: Awaited<ReturnType<typeof newKeys>>,
): Promise<{ certificateRequest: string; privateKey: string }> {
  const { publicKey, privateKey } = keys ?? (await newKeys());
  const draft = new pkijs.CertificationRequest({ version: 0 });
  draft.subject.typesAndValues.push(
    new pkijs.AttributeTypeAndValue({
      type: '2.5.4.3',
      value: new asn1js.Utf8String({ value: 'whoever it says' }),
    }),
  );
  draft.attributes = [];
  await draft.subjectPublicKeyInfo.importKey(publicKey);
  await draft.sign(privateKey, 'SHA-256');
  return {
    certificateRequest: pem('CERTIFICATE REQUEST', Buffer.from(draft.toSchema(true).toBER(false))),
    privateKey: privateKeyPem(privateKey),
  };
}

/** An agent as the control plane sees one: real mutual TLS, with a certificate that it enrolled for. */
export class TestAgent {
  readonly #place: AgentPlace;
  #connections: Agent;
  #certificate: { cert: string; key: string } | undefined;
  /** Absent until it has joined. */
  enrolment: EnrolmentAnswer | undefined;

  constructor(place: AgentPlace, certificate?: { cert: string; key: string }) {
    this.#place = place;
    this.#certificate = certificate;
    this.#connections = this.#connect();
  }

  /** An agent that has joined. Throws when it is not let in. */
  static async joined(place: AgentPlace, way: WayIn): Promise<TestAgent> {
    const agent = new TestAgent(place);
    const { status, body } = await agent.join(way);
    if (status !== 201) throw new Error(`the test agent was not let in: ${JSON.stringify(body)}`);
    return agent;
  }

  get serverId(): string {
    if (this.enrolment === undefined) throw new Error('this agent has not joined');
    return this.enrolment.serverId;
  }

  get certificate(): { cert: string; key: string } {
    if (this.#certificate === undefined) throw new Error('this agent has no certificate');
    return this.#certificate;
  }

  /** Asks to join; takes the certificate into use when it is let in. */
  async join({ bearer, hostName = 'gateway-1', ...further }: WayIn): Promise<AgentAnswer> {
    const { certificateRequest, privateKey } = await makeCertificateRequest();
    const body = { certificateRequest, hostName, deploymentMode: 'standaloneRootful', ...further };
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const answer = await this.send('POST', '/agent/v1/enrol', body, { headers });
    if (answer.status === 201) {
      this.enrolment = answer.body;
      this.use({ cert: answer.body.certificate, key: privateKey });
    }
    return answer;
  }

  /** Asks for another certificate, without using it yet. */
  async renew(): Promise<{ answer: AgentAnswer; certificate: { cert: string; key: string } }> {
    const { certificateRequest, privateKey } = await makeCertificateRequest();
    const answer = await this.send('POST', '/agent/v1/renew', { certificateRequest });
    return { answer, certificate: { cert: answer.body.certificate, key: privateKey } };
  }

  /** Connects with this certificate from now on. */
  use(certificate: { cert: string; key: string }): void {
    this.#certificate = certificate;
    this.#connections.destroy();
    this.#connections = this.#connect();
  }

  checkIn(further: Partial<CheckIn> = {}): Promise<AgentAnswer> {
    return this.send('POST', '/agent/v1/check-in', checkInExample(further));
  }

  /** Asks to be held until something has changed. */
  wait(cursor: string, options: { signal?: AbortSignal } = {}): Promise<AgentAnswer> {
    return this.send('POST', '/agent/v1/wait', { cursor }, options);
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    { headers = {}, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<AgentAnswer> {
    const isBytes = body instanceof Uint8Array;
    const type = isBytes ? 'application/octet-stream' : 'application/json';
    const sent = request({
      agent: this.#connections,
      host: '127.0.0.1',
      port: this.#place.port,
      servername: this.#place.host,
      method,
      path,
      headers: { ...(body === undefined ? {} : { 'content-type': type }), ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    sent.end(body === undefined || isBytes ? body : JSON.stringify(body));
    const [response] = await once(sent, 'response');
    const content = await text(response);
    return {
      status: response.statusCode,
      headers: response.headers,
      body: content === '' ? undefined : JSON.parse(content),
    };
  }

  close(): void {
    this.#connections.destroy();
  }

  #connect(): Agent {
    return new Agent({ ca: this.#place.authority, keepAlive: true, ...this.#certificate });
  }
}

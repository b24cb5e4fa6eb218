import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Database } from '../database/open.ts';
import { graphBase } from '../graph/entity-set.ts';

/** Speaks to an application as a caller of the Graph-shaped API. */
export class GraphCaller {
  readonly #application: FastifyInstance;
  readonly #token: string;

  constructor(application: FastifyInstance, token = 'administrator') {
    this.#application = application;
    this.#token = token;
  }

  async #send(
    method: InjectOptions['method'],
    path: string,
    payload?: unknown,
    headers: Record<string, string> = {},
  ) {
    const response = await this.#application.inject({
      method: method ?? 'GET',
      url: path.startsWith('/') ? path : `${graphBase}/${path}`,
      headers: { authorization: `Bearer ${this.#token}`, ...headers },
      ...(payload === undefined ? {} : { payload: payload as object }),
    });
    const text = response.body;
    // biome-ignore lint/suspicious/noExplicitAny: tests look at answers without a type on purpose.
    const body = (text === '' ? undefined : JSON.parse(text)) as any;
    return { status: response.statusCode, body, headers: response.headers };
  }

  get(path: string) {
    return this.#send('GET', path);
  }

  post(path: string, payload?: unknown) {
    return this.#send('POST', path, payload);
  }

  put(path: string, payload?: unknown) {
    return this.#send('PUT', path, payload);
  }

  patch(path: string, payload: unknown, ifMatch?: string) {
    return this.#send('PATCH', path, payload, ifMatch === undefined ? {} : { 'if-match': ifMatch });
  }

  delete(path: string, ifMatch?: string) {
    return this.#send('DELETE', path, undefined, ifMatch === undefined ? {} : { 'if-match': ifMatch });
  }
}

/** A configuration that is right. */
export const configurationExample = {
  displayName: 'Headquarters',
  network: '10.70.0.0/16',
  dnsServers: ['10.60.0.53'],
  routeIncludes: ['10.60.0.0/24'],
};

/** A site that is right, for a configuration. */
export const siteExample = (configuration: string) => ({
  displayName: 'Tokyo',
  publicAddress: 'vpn.example.com',
  microsoftTunnelConfiguration: { id: configuration },
});

/** Makes scope tags with these identifiers. */
export async function makeScopeTags({ tables }: Database, ...ids: string[]): Promise<void> {
  const rows = ids.map((id) => ({
    id,
    version: 1,
    display_name: `Tag ${id}`,
    description: '',
    is_built_in: 0,
  }));
  await tables.insertInto('scope_tags').values(rows).execute();
}

import type { FastifyInstance } from 'fastify';
import { ApiError } from './errors.ts';

/** The methods of each path of the application, to tell a wrong method from a wrong path. */
export class KnownPaths {
  readonly #paths = new Map<
    string,
    { pattern: RegExp; methods: Set<string>; refused: Map<string, string> }
  >();

  constructor(application: FastifyInstance) {
    application.addHook('onRoute', ({ url, method, config }) => {
      const known = this.#paths.get(url) ?? {
        pattern: patternOf(url),
        methods: new Set(),
        refused: new Map(),
      };
      for (const one of [method].flat()) known.methods.add(one);
      for (const [one, reason] of Object.entries(config?.refused ?? {})) known.refused.set(one, reason);
      this.#paths.set(url, known);
    });
  }

  /** Why there is no route for this request: its path has other methods, or there is no such path. */
  refusal(method: string, url: string): ApiError {
    const path = url.split('?')[0] ?? '';
    const found = this.#matching(path.replace(/(.)\/$/, '$1'));
    const allowed = [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
    // A route for files has the method and yet not every file.
    if (allowed.length === 0 || allowed.includes(method))
      return new ApiError('ResourceNotFound', `there is no ${method} ${path}`);
    const list = allowed.join(', ');
    const reason = found.map(({ refused }) => refused.get(method)).find((one) => one !== undefined);
    return new ApiError(
      'MethodNotAllowed',
      reason ?? `${method} is not possible here; possible are ${list}`,
      { headers: { allow: list } },
    );
  }

  #matching(path: string) {
    return [...this.#paths.values()].filter(({ pattern }) => pattern.test(path));
  }
}

/** Routes are written with `:name` for a part and `*` for the rest. */
function patternOf(route: string): RegExp {
  const parts = route.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
}

import type { FastifyInstance } from 'fastify';
import { ApiError } from './errors.ts';

/** The methods of each path of the application, to tell a wrong method from a wrong path. */
export class KnownPaths {
  readonly #methods = new Map<string, { pattern: RegExp; methods: Set<string> }>();

  constructor(application: FastifyInstance) {
    application.addHook('onRoute', ({ url, method }) => {
      const known = this.#methods.get(url) ?? { pattern: patternOf(url), methods: new Set() };
      for (const one of [method].flat()) known.methods.add(one);
      this.#methods.set(url, known);
    });
  }

  /** Why there is no route for this request: its path has other methods, or there is no such path. */
  refusal(method: string, url: string): ApiError {
    const path = url.split('?')[0] ?? '';
    const allowed = this.#methodsOf(path.replace(/(.)\/$/, '$1'));
    // A route for files has the method and yet not every file.
    if (allowed.length === 0 || allowed.includes(method))
      return new ApiError('ResourceNotFound', `there is no ${method} ${path}`);
    const list = allowed.join(', ');
    return new ApiError('MethodNotAllowed', `${method} is not possible here; possible are ${list}`, {
      headers: { allow: list },
    });
  }

  #methodsOf(path: string): string[] {
    const found = [...this.#methods.values()].filter(({ pattern }) => pattern.test(path));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
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

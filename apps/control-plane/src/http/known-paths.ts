import type { FastifyInstance } from 'fastify';

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

  /** The methods that this path has; empty when there is no such path. */
  methodsOf(url: string): string[] {
    const path = (url.split('?')[0] ?? '').replace(/(.)\/$/, '$1');
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

import { z } from 'zod';

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
  oneOf?: SchemaNode[];
  allOf?: SchemaNode[];
  writeOnly?: boolean;
}

/** What stands in a schema: which keys a document may hold at which place, and which of its values are secrets. */
export class KnownKeys {
  readonly #root: SchemaNode;

  constructor(schema: z.ZodType) {
    this.#root = z.toJSONSchema(schema, {
      io: 'input',
      unrepresentable: 'any',
    }) as SchemaNode;
  }

  /** Keys that are allowed in the object at `path`. */
  at(path: readonly PropertyKey[]): string[] {
    const nodes = this.#nodesAt(path).flatMap(alternatives);
    return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
  }

  /** True when what is at `path` is a secret (`writeOnly` in JSON Schema), or may hold one. */
  isSecret(path: readonly PropertyKey[]): boolean {
    return this.#nodesAt(path).some(holdsSecret);
  }

  #nodesAt(path: readonly PropertyKey[]): SchemaNode[] {
    let nodes = [this.#root];
    for (const part of path) {
      nodes = nodes.flatMap(alternatives).flatMap((node) => {
        const next = typeof part === 'number' ? node.items : node.properties?.[String(part)];
        return next === undefined ? [] : [next];
      });
    }
    return nodes;
  }

  /** What the writer may have meant by an unknown key. */
  suggest(path: readonly PropertyKey[], unknown: string, siblings: readonly string[]): string {
    const allowed = this.at(path);
    if (allowed.includes(unknown)) {
      const others = siblings.filter((key) => key !== unknown && allowed.includes(key));
      return `cannot stand together with ${others.join(', ')}`;
    }
    const close = closest(unknown, allowed);
    if (close !== undefined) return `unknown key; did you mean "${close}"?`;
    const elsewhere = findKey(this.#root, unknown, '');
    if (elsewhere !== undefined) return `unknown key here; it belongs to ${elsewhere}`;
    return `unknown key; allowed are ${allowed.join(', ')}`;
  }
}

function alternatives(node: SchemaNode): SchemaNode[] {
  const inner = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
  return [node, ...inner.flatMap(alternatives)];
}

function holdsSecret(node: SchemaNode): boolean {
  return alternatives(node).some(
    ({ writeOnly, properties, items }) =>
      writeOnly === true ||
      Object.values(properties ?? {}).some(holdsSecret) ||
      (items !== undefined && holdsSecret(items)),
  );
}

function findKey(node: SchemaNode, key: string, path: string): string | undefined {
  for (const candidate of alternatives(node)) {
    for (const [name, child] of Object.entries(candidate.properties ?? {})) {
      const place = path === '' ? name : `${path}.${name}`;
      if (name === key) return place;
      const deeper = findKey(child, key, place);
      if (deeper !== undefined) return deeper;
    }
    if (candidate.items !== undefined) {
      const deeper = findKey(candidate.items, key, `${path}[]`);
      if (deeper !== undefined) return deeper;
    }
  }
  return undefined;
}

/** The candidate that differs in at most a third of its letters, or undefined. */
export function closest(text: string, candidates: readonly string[]): string | undefined {
  const scored = candidates
    .map((candidate) => ({ candidate, distance: editDistance(text.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((left, right) => left.distance - right.distance);
  return scored[0]?.candidate;
}

function editDistance(left: string, right: string): number {
  // Keys are short; a bound keeps a hostile key from costing quadratic time.
  if (Math.max(left.length, right.length) > 64) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [rowIndex, letter] of [...left].entries()) {
    const next = [rowIndex + 1];
    for (const [column, other] of [...right].entries()) {
      const substitute = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(substitute, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

import type { z } from 'zod';
import { type Finding, fieldPath, quoteValue } from './finding.ts';
import { KnownKeys } from './known-keys.ts';

export type ValidationResult<Value> = { ok: true; value: Value } | { ok: false; problems: Finding[] };

/** Checks a document against a schema. Every mistake comes back, each with its field, what was found and what is allowed. */
export function validateDocument<Schema extends z.ZodType>(
  schema: Schema,
  document: unknown,
): ValidationResult<z.output<Schema>> {
  const result = schema.safeParse(document);
  return result.success
    ? { ok: true, value: result.data }
    : { ok: false, problems: explainIssues(schema, result.error.issues, document) };
}

/** The words for issues that the schema has found in the document. */
export function explainIssues(
  schema: z.ZodType,
  issues: readonly z.core.$ZodIssue[],
  document: unknown,
): Finding[] {
  const keys = new KnownKeys(schema);
  return withoutRepetition(issues.flatMap((issue) => explainIssue(issue, [], document, keys)));
}

type Path = readonly PropertyKey[];

function explainIssue(issue: z.core.$ZodIssue, prefix: Path, document: unknown, keys: KnownKeys): Finding[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const siblings = Object.keys(valueAt(document, path) ?? {});
    return issue.keys.map((key) => ({
      path: fieldPath([...path, key]),
      message: keys.suggest(path, key, siblings),
    }));
  }
  const found = valueAt(document, path);
  if (issue.code === 'invalid_union') {
    const branch = meantBranch(issue, found);
    if (branch !== undefined) return branch.flatMap((inner) => explainIssue(inner, path, document, keys));
    if (issue.discriminator !== undefined) return [explainDiscriminator(issue, path, found)];
  }
  if (found === undefined) {
    // A rule over several fields says why this one is needed beside the others.
    if (issue.code === 'custom') return [{ path: fieldPath(path), message: `missing; ${issue.message}` }];
    const expected = issue.code === 'invalid_type' ? ` (${typeName(issue.expected)})` : '';
    return [{ path: fieldPath(path), message: `missing; this field is required${expected}` }];
  }
  const quoted = keys.isSecret(path) ? {} : { found: quoteValue(found) };
  return [{ path: fieldPath(path), ...quoted, message: allowed(issue) }];
}

/** The alternative whose keys the writer used, when that can be told. */
function meantBranch(issue: z.core.$ZodIssueInvalidUnion, found: unknown): z.core.$ZodIssue[] | undefined {
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined;
  const count = Object.keys(found).length;
  const scored = issue.errors.map((issues) => {
    const foreign = issues.flatMap((inner) =>
      inner.code === 'unrecognized_keys' && inner.path.length === 0 ? inner.keys : [],
    );
    return { issues, known: count - foreign.length };
  });
  scored.sort((left, right) => right.known - left.known);
  const [best, second] = scored;
  if (best === undefined || best.known === 0) return undefined;
  // Keys of both alternatives at once: the message of the union says it better than either branch.
  return second !== undefined && second.known === best.known ? undefined : best.issues;
}

function explainDiscriminator(issue: z.core.$ZodIssueInvalidUnion, path: Path, found: unknown): Finding {
  const key = issue.discriminator ?? 'kind';
  const options = (issue as { options?: unknown[] }).options;
  const list =
    options === undefined ? '' : `; allowed are ${options.map((option) => `"${option}"`).join(', ')}`;
  // zod already ends the path of the issue at the discriminator.
  const complete = path.at(-1) === key ? path : [...path, key];
  return found === undefined
    ? { path: fieldPath(complete), message: `missing${list}` }
    : { path: fieldPath(complete), found: quoteValue(found), message: `unknown ${key}${list}` };
}

function allowed(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${typeName(issue.expected)}`;
    case 'too_small':
    case 'too_big':
      return explainSize(issue);
    case 'invalid_value':
      return `allowed are ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    default:
      return issue.message;
  }
}

function explainSize(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const bound = `${issue.code === 'too_small' ? 'at least' : 'at most'} ${limit}`;
  const isOne = Number(limit) === 1;
  if (issue.origin === 'string') return `expected ${bound} ${isOne ? 'character' : 'characters'}`;
  if (issue.origin === 'array') return `expected ${bound} ${isOne ? 'entry' : 'entries'}`;
  return `expected a number of ${bound}`;
}

function typeName(expected: string): string {
  const names: Record<string, string> = {
    string: 'text between quotation marks',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list in [ ]',
    object: 'an object in { }',
  };
  return names[expected] ?? expected;
}

function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function withoutRepetition(problems: Finding[]): Finding[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = `${problem.path}\n${problem.message}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

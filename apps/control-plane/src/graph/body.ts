import type { Finding } from '@culvert/contracts';
import { ApiError } from '../http/errors.ts';
import type { GraphObject } from './conversion.ts';
import type { Resource } from './resource.ts';

/** The properties and references of a body, without what Graph puts around them. */
export function readBody(
  { set, readOnly, split }: Pick<Resource, 'set' | 'readOnly' | 'split'>,
  body: GraphObject,
) {
  const type = body['@odata.type'];
  if (type !== undefined && type !== `#microsoft.graph.${set.entity.name}`) {
    throw mistakes([{ path: '@odata.type', message: `expected "#microsoft.graph.${set.entity.name}"` }]);
  }
  const { properties, references } = split?.(body) ?? { properties: body, references: {} };
  const kept = Object.entries(properties).filter(([name]) => !name.includes('@') && !readOnly.includes(name));
  return { properties: Object.fromEntries(kept) as GraphObject, references };
}

/** The object after a change: properties that are given replace those of before, null brings the default back. */
export function merge(present: GraphObject, changes: GraphObject): GraphObject {
  const merged = Object.entries({ ...present, ...changes }).filter(([, value]) => value !== null);
  return Object.fromEntries(merged);
}

/** A refusal that names every mistake. */
export function mistakes(details: readonly Finding[]): ApiError {
  const [first] = details;
  const count = details.length === 1 ? 'a mistake' : `${details.length} mistakes`;
  return new ApiError('BadRequest', `the body has ${count}: ${first?.path}: ${first?.message}`, { details });
}

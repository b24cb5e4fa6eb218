import type { Finding } from '@culvert/contracts';
import type { GraphObject } from '../graph/conversion.ts';
import { graphBase } from '../graph/entity-set.ts';
import type { Change } from '../graph/resource.ts';
import { inScope, readPermission } from '../graph/scope.ts';
import { EntityStore } from '../graph/store.ts';
import { serverConfigurations } from '../server-configurations/entity.ts';

const name = 'microsoftTunnelConfiguration';
const binding = `${name}@odata.bind`;

/** Takes the configuration out of the body of a site: `{ "id": … }` inside, or `…@odata.bind` with its address. */
export function splitReference(body: GraphObject): { properties: GraphObject; references: GraphObject } {
  const { [name]: inside, [binding]: bound, microsoftTunnelServers: _, ...properties } = body;
  const references: GraphObject = {};
  if (inside !== undefined && inside !== null) {
    references.id = typeof inside === 'object' ? (inside as GraphObject).id : inside;
  }
  if (bound !== undefined) references.id = idOfAddress(bound);
  return { properties, references };
}

/** The identifier in the address of a configuration, as `@odata.id` and `@odata.bind` carry it. */
export function idOfAddress(address: unknown): string | undefined {
  if (typeof address !== 'string') return undefined;
  // Clients write the path, the whole address, or Graph's own host; only the end says which object.
  const [, id] = /microsoftTunnelConfigurations(?:\/|\(')([0-9A-Za-z-]{1,100})(?:'\))?$/.exec(address) ?? [];
  return id;
}

/** The configuration that the caller names, or why it cannot be used. A configuration out of scope is as good as none. */
export async function resolveReference(
  { context, tables, caller }: Change,
  id: unknown,
): Promise<{ ok: true; id: string } | { ok: false; problem: Finding }> {
  const remedy = `name one as { "id": "…" } or as "${binding}": "${graphBase}/${serverConfigurations.path}/ID"`;
  if (typeof id !== 'string')
    return { ok: false, problem: { path: name, message: `a site needs a configuration; ${remedy}` } };
  const { engine } = context.database;
  const found = await new EntityStore(tables, engine, serverConfigurations).find(
    id,
    inScope(engine, caller, readPermission),
  );
  if (found === undefined)
    return {
      ok: false,
      problem: { path: name, found: id.slice(0, 80), message: `there is no such configuration; ${remedy}` },
    };
  return { ok: true, id };
}

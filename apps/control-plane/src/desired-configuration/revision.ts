import { createHash } from 'node:crypto';
import type { DesiredConfiguration } from '@culvert/contracts';

const revisionLetters = 16;

/** The name of a configuration by its content: the same content has the same one, in whatever order it is written. */
export function revisionOf(content: Omit<DesiredConfiguration, 'revision'>): string {
  const { publicAddress, serverConfiguration } = content;
  const text = canonical({ publicAddress, serverConfiguration });
  return createHash('sha256').update(text).digest('hex').slice(0, revisionLetters);
}

/** JSON whose keys are in the order of their code units (RFC 8785 §3.2.3) and whose absent values are left out. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}

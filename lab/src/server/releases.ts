import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const node = join(repository, 'node_modules/.bin/node');
const builtEngine = process.env.CULVERT_ENGINE ?? join(repository, 'engine/target/release/culvert-engine');

/**
 * An agent that only answers at its socket, as one does that has checked in. The monitor is tested with it, because it shows what
 * the monitor does and needs no control plane.
 */
const standIn = `
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const directory = process.argv[process.argv.indexOf('--directory') + 1];
const socket = join(directory, 'run/agent.sock');
rmSync(socket, { force: true });
const lastCheckInAt = new Date().toISOString();
createServer((_request, response) => response.end(JSON.stringify({ version: '1.0.0', lastCheckInAt }))).listen(socket);
`;

export interface ReleaseChanges {
  /** Shell script in place of the gateway. */
  gateway?: string;
  agent?: string;
  /** An engine of the same behaviour and another digest. */
  hasOtherEngine?: boolean;
}

/** Makes a release of this repository below a directory of releases. */
export function makeRelease(directory: string, version: string, changes: ReleaseChanges = {}): void {
  const place = join(directory, version);
  mkdirSync(place, { recursive: true });
  const script = (name: string, text: string) =>
    writeFileSync(join(place, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  script('gateway', changes.gateway ?? `exec ${node} ${repository}/apps/gateway/src/main.ts "$@"`);
  writeFileSync(join(place, 'agent.mjs'), standIn);
  script('agent', changes.agent ?? `exec ${node} ${join(place, 'agent.mjs')} "$@"`);
  const engine = join(place, 'culvert-engine');
  copyFileSync(builtEngine, engine);
  // What stands behind the end of an ELF file is not loaded.
  if (changes.hasOtherEngine === true) appendFileSync(engine, version);
  const description = {
    version,
    programs: { gateway: ['gateway'], agent: ['agent'] },
    engine: 'culvert-engine',
    engineDigest: createHash('sha256').update(readFileSync(engine)).digest('hex'),
  };
  writeFileSync(join(place, 'release.json'), JSON.stringify(description));
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of the repository that the host tools hand on. */
export type EmbeddedFile = 'LICENSE' | 'deploy/systemd/mstunnel_monitor.service';

/** Put in by the bundler: a single executable has no files beside it. */
declare const CULVERT_BUILT_TEXTS: Record<EmbeddedFile, string>;

/** The text of a file of the repository, in the single executable too. */
export function embeddedText(file: EmbeddedFile): string {
  if (typeof CULVERT_BUILT_TEXTS === 'object') return CULVERT_BUILT_TEXTS[file];
  return readFileSync(join(import.meta.dirname, '../../../..', file), 'utf8');
}

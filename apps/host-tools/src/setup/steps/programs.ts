import {
  type BigIntStats,
  chmodSync,
  copyFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { isSea } from 'node:sea';
import type { HostLayout } from '../../host-layout/host-layout.ts';
import { toolNames } from '../../program/tool.ts';
import type { Step } from '../setup-run.ts';

/** The executable of this product, under all its names. A program that runs from the repository has none to give. */
export const programsStep: Step = {
  name: 'programs',
  title: { en: 'Programs', ja: 'プログラム' },
  isDone: async ({ layout: { programs } }) => !isSea() || (isSame(programs.executable) && hasLinks(programs)),
  carryOut: async ({ layout: { programs }, terminal, say }) => {
    if (!isSame(programs.executable)) {
      const draft = `${programs.executable}.new`;
      copyFileSync(process.execPath, draft);
      chmodSync(draft, 0o755);
      renameSync(draft, programs.executable);
    }
    for (const link of linksOf(programs)) {
      rmSync(link, { force: true });
      symlinkSync('mst-cli', link);
    }
    terminal.print(
      say({
        en: `  ${programs.executable}, also called ${toolNames.slice(1).join(', ')}`,
        ja: `  ${programs.executable} (${toolNames.slice(1).join('、')} としても使えます)`,
      }),
    );
  },
};

/** Links to the other names of the executable. */
export function linksOf({ directory }: HostLayout['programs']): string[] {
  return toolNames.filter((name) => name !== 'mst-cli').map((name) => join(directory, name));
}

function hasLinks(programs: HostLayout['programs']): boolean {
  return linksOf(programs).every((link) => {
    try {
      return readlinkSync(link) === 'mst-cli';
    } catch {
      return false;
    }
  });
}

/** True when this process runs the installed file, or one of the same size and no newer. */
function isSame(installed: string): boolean {
  const [own, other] = [statOf(process.execPath), statOf(installed)];
  if (own === undefined || other === undefined) return false;
  if (own.ino === other.ino && own.dev === other.dev) return true;
  return own.size === other.size && own.mtimeNs <= other.mtimeNs;
}

function statOf(file: string): BigIntStats | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false });
}

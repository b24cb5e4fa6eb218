import { z } from 'zod';
import type { ProgramOutput } from '../host-view.ts';

/** How a container engine is: its version, and whether it does what it is told. */
export type EngineState = Readonly<{ version: string; answers: 'yes' | 'no' | 'not-allowed' | 'too-late' }>;

const dockerVersion = z.object({
  Client: z.object({ Version: z.string(), ApiVersion: z.string() }),
  Server: z.object({ Version: z.string() }).nullish(),
});

const podmanVersion = z.object({ Client: z.object({ Version: z.string(), APIVersion: z.string() }) });

/**
 * Reads `docker version --format '{{json .}}'`. Undefined when that is no Docker: the package podman-docker
 * answers to the same name, and spells a key in another way.
 */
export function dockerState(output: ProgramOutput): EngineState | undefined {
  const parsed = dockerVersion.safeParse(parseJson(output.stdout));
  if (!parsed.success) return undefined;
  const { Client, Server } = parsed.data;
  if (Server != null) return { version: Server.Version, answers: 'yes' };
  const version = Client.Version;
  if (output.timedOut === true) return { version, answers: 'too-late' };
  return { version, answers: /permission denied/i.test(output.stderr) ? 'not-allowed' : 'no' };
}

/** Reads `podman version --format json`; `work` is the output of a command for which Podman has to do something. */
export function podmanState(output: ProgramOutput, work: ProgramOutput | undefined): EngineState | undefined {
  const parsed = podmanVersion.safeParse(parseJson(output.stdout));
  if (!parsed.success) return undefined;
  const version = parsed.data.Client.Version;
  if (work?.timedOut === true) return { version, answers: 'too-late' };
  return { version, answers: work?.exitCode === 0 ? 'yes' : 'no' };
}

/** The value of a JSON text, or undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

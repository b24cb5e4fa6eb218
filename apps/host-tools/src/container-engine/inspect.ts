import { z } from 'zod';
import type { ContainerState, ImageState } from './container-engine.ts';

/** `Health` of Docker and Podman 4.? and later, `Healthcheck` of Podman before. Empty or absent without a check. */
const healthSchema = z.object({ Status: z.string().default('') });

/** The part of `inspect --type container` that both engines have in common. */
const containerSchema = z.object({
  Image: z.string(),
  State: z.object({
    Status: z.string(),
    Pid: z.int().default(0),
    ExitCode: z.int().default(0),
    StartedAt: z.string().optional(),
    Health: healthSchema.nullish(),
    Healthcheck: healthSchema.nullish(),
  }),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
});

const imageSchema = z.object({ Id: z.string(), Created: z.string() });

export const missingContainer: ContainerState = {
  state: 'missing',
  health: 'none',
  image: '',
  labels: {},
  processId: undefined,
  startedAt: undefined,
  exitCode: undefined,
};

/** What `inspect --type container` prints for one container; undefined when it cannot be understood. */
export function parseContainer(text: string): ContainerState | undefined {
  const read = z.tuple([containerSchema]).safeParse(parseJson(text));
  if (!read.success) return undefined;
  const [{ Image, State, Config }] = read.data;
  const state = stateWords[State.Status] ?? State.Status;
  const health = (State.Health ?? State.Healthcheck)?.Status ?? '';
  return {
    state,
    health: health === 'healthy' || health === 'unhealthy' || health === 'starting' ? health : 'none',
    image: withAlgorithm(Image),
    labels: Config.Labels ?? {},
    processId: State.Pid > 0 ? State.Pid : undefined,
    // Docker has the year 1 for one that was never started.
    startedAt: State.StartedAt?.startsWith('0001-') === true ? undefined : State.StartedAt,
    exitCode: state === 'exited' ? State.ExitCode : undefined,
  };
}

/** What `image inspect` prints for one image; undefined when it cannot be understood. */
export function parseImage(text: string): ImageState | undefined {
  const read = z.array(imageSchema).min(1).safeParse(parseJson(text));
  const [image] = read.data ?? [];
  return image === undefined ? undefined : { digest: withAlgorithm(image.Id), createdAt: image.Created };
}

/** Names that `load` tells: one a line, or (Podman 3) several between commas. */
export function parseLoaded(text: string): string[] {
  return [...text.matchAll(/^Loaded image(?:\(s\)|s)?: (.+)$/gm)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim()),
  );
}

/** Words of Podman for what Docker calls otherwise. */
const stateWords: Readonly<Record<string, string>> = {
  configured: 'created',
  initialized: 'created',
  stopped: 'exited',
};

/** Podman leaves the algorithm out. */
function withAlgorithm(digest: string): string {
  return /^[0-9a-f]{64}$/.test(digest) ? `sha256:${digest}` : digest;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema says no.
    return undefined;
  }
}

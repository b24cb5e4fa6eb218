import type { ContainerState } from '../container-engine/container-engine.ts';
import { specificationLabel } from './specification.ts';

/** What is done next with the containers of one name. */
export type Step =
  /** All is as it should be. */
  | 'nothing'
  /** There is none: make one. */
  | 'create'
  /** The right one does not run. */
  | 'start'
  /** The wrong one is stopped and renamed to the previous one. */
  | 'setAside'
  /** The right one is there and the one of before is kept: wait until it is well, then remove the one of before. */
  | 'prove'
  /** The previous one takes its place back. */
  | 'restore';

/** The containers of one name. */
export interface Found {
  current: ContainerState;
  previous: ContainerState;
}

/**
 * The next step towards one running container of the wanted specification. It follows from what is there alone, so whoever goes on
 * after a kill does the rest. A container that never was proven is not worth more than the one before it.
 */
export function nextStep({ current, previous }: Found, wanted: string): Step {
  const isThere = current.state !== 'missing';
  const isWanted = isThere && current.labels[specificationLabel] === wanted;
  if (previous.state !== 'missing') {
    if (isWanted) return 'prove';
    if (isThere) return 'restore';
    return previous.labels[specificationLabel] === wanted ? 'restore' : 'create';
  }
  if (!isThere) return 'create';
  if (!isWanted) return 'setAside';
  return isSettled(current) ? 'nothing' : 'start';
}

/** Running, or on its way to another state by itself; paused by somebody who will go on with it. */
export function isSettled({ state }: ContainerState): boolean {
  return state !== 'exited' && state !== 'created' && state !== 'dead';
}

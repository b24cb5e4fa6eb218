/** Steps of an installation, in their order. */
export const stepNames = [
  'programs',
  'host',
  'licence',
  'settings',
  'certificate',
  'images',
  'join',
  'configuration',
  'monitor',
  'health',
] as const;
export type StepName = (typeof stepNames)[number];

/** Which steps have been done, as it is on this host; nothing else is remembered. */
export type SetupFacts = Readonly<Record<StepName, boolean>>;

/**
 * The steps that are left, in their order. What was done once may have been undone since, such as by a new certificate that is wrong:
 * then it is done again, and so is what follows from it only if that is gone too.
 */
export function remainingSteps(facts: SetupFacts): StepName[] {
  return stepNames.filter((name) => !facts[name]);
}

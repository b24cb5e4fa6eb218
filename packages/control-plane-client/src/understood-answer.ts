import {
  agentSettingsSchema,
  type CheckInAnswer,
  type Command,
  checkInAnswerSchema,
  commandSchema,
  desiredConfigurationSchema,
} from '@culvert/contracts';
import { z } from 'zod';

/** What an agent can act on of an answer, and what it had to pass over. */
export type UnderstoodAnswer = CheckInAnswer & { notUnderstood: string[] };

/**
 * The answer of a control plane that may be newer than this agent. What this agent does not know is passed over and named, so
 * that it still hears which version it is to become.
 */
export const understoodAnswerSchema = z
  .object({
    ...checkInAnswerSchema.shape,
    settings: z.object(agentSettingsSchema.shape),
    configuration: z.unknown().optional(),
    commands: z.array(z.unknown()).max(1000),
  })
  .transform(({ configuration: wanted, commands: orders, ...answer }): UnderstoodAnswer => {
    const notUnderstood: string[] = [];
    const commands = orders.flatMap((order): Command[] => {
      const { success, data } = commandSchema.safeParse(order);
      if (!success) notUnderstood.push('a command');
      return success ? [data] : [];
    });
    const configuration = desiredConfigurationSchema.optional().safeParse(wanted);
    if (!configuration.success) notUnderstood.push('the configuration of the site');
    return {
      ...answer,
      commands,
      ...(configuration.data === undefined ? {} : { configuration: configuration.data }),
      notUnderstood,
    };
  });

import { z } from 'zod';

type Report = (path: (string | number)[], message: string, input: unknown) => void;

/**
 * A check over several fields of an object that also runs when other fields are wrong, so that every
 * mistake is reported at once; zod skips an ordinary check as soon as anything in the object is invalid.
 * `shape` says what the check needs to read: it is skipped only when that part cannot be read.
 */
export function acrossFields<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  check: (value: z.output<z.ZodObject<Shape>>, report: Report) => void,
): z.core.$ZodCheck<unknown> {
  const readable = z.object(shape);
  const instance: z.core.$ZodCheck<unknown> = new z.core.$ZodCheck({
    check: 'custom',
    when: (payload) => readable.safeParse(payload.value).success,
  });
  instance._zod.check = (payload) => {
    check(readable.parse(payload.value), (path, message, input) => {
      payload.issues.push({ code: 'custom', path, message, input });
    });
  };
  return instance;
}

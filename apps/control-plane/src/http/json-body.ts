import type { FastifyInstance } from 'fastify';
import { ApiError } from './errors.ts';

/** Objects and lists inside one another; no document of ours comes near. */
const deepest = 32;

/** Reads JSON bodies: strict UTF-8, bounded depth, no `__proto__`, and errors that say what is wrong. */
export function readJsonBodies(application: FastifyInstance): void {
  application.removeContentTypeParser('application/json');
  application.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** The value of a JSON body. Throws an ApiError that says what is wrong with the text. */
export function parseJsonBody(body: Buffer): unknown {
  const text = decode(body);
  // Graph's actions without parameters are posted without a body.
  if (text.trim() === '') return undefined;
  if (depth(text) > deepest) throw new ApiError('BadRequest', `the body nests deeper than ${deepest} levels`);
  try {
    return JSON.parse(text, refuseHostile);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError('BadRequest', `the body is not JSON: ${withoutText(error)}`);
  }
}

/** V8 quotes the text around the mistake, where a password may be. */
function withoutText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, (\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, '');
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new ApiError('BadRequest', 'the body is not UTF-8');
  }
}

/** The most brackets that are open at the same time, those inside of strings left out. */
function depth(text: string): number {
  let open = 0;
  let most = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const letter = text[index];
    if (inString) {
      if (letter === '\\') index += 1;
      else if (letter === '"') inString = false;
    } else if (letter === '"') inString = true;
    else if (letter === '{' || letter === '[') most = Math.max(most, ++open);
    else if (letter === '}' || letter === ']') open -= 1;
  }
  return most;
}

function refuseHostile(key: string, value: unknown): unknown {
  if (key === '__proto__')
    throw new ApiError('BadRequest', 'the body has a key "__proto__", which is not allowed');
  // PostgreSQL cannot store them, or cannot read them again inside of JSON; no text of an administrator has them.
  for (const text of typeof value === 'string' ? [key, value] : [key]) {
    if (text.includes('\0'))
      throw new ApiError('BadRequest', 'the body has a text with a NUL character, which is not allowed');
    if (!text.isWellFormed())
      throw new ApiError(
        'BadRequest',
        'the body has a text with half of a surrogate pair (\\ud800 to \\udfff); write both halves, or the letter itself',
      );
  }
  return value;
}

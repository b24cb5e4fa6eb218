import { isUtf8 } from 'node:buffer';

/**
 * Text of a stranger that people will read: one line, bounded, without control and format characters.
 * Undefined when nothing is left. The result shares no memory with the request it came from.
 */
export function displayText(text: string | undefined, maximum: number): string | undefined {
  if (text === undefined) return undefined;
  // Cutting first bounds the work.
  const clean = text
    .slice(0, maximum * 4)
    .replaceAll(/\p{C}/gu, '')
    .trim()
    .slice(0, maximum)
    .toWellFormed();
  return clean === '' ? undefined : Buffer.from(clean, 'utf8').toString('utf8');
}

/** The same for a header. Node reads headers as Latin-1; clients write UTF-8. */
export function displayHeader(text: string | undefined, maximum: number): string | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text.slice(0, maximum * 4), 'latin1');
  return displayText(isUtf8(bytes) ? bytes.toString('utf8') : text, maximum);
}

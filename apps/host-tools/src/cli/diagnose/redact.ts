import { redacted, redactLine, redactText, redactValue } from '@culvert/logging/redaction.ts';

/** A file of JSON without secrets, by its fields; what is no JSON as text. */
export function redactDocument(text: string): string {
  try {
    return `${JSON.stringify(redactValue(JSON.parse(text)), null, 2)}\n`;
  } catch {
    return redactText(text);
  }
}

/** A log without secrets. A key in PEM has many lines, so what is no JSON is looked at together. */
export function redactLog(text: string): string {
  return redactText(text.split('\n').map(redactLine).join('\n'));
}

/** Variables that are never a secret: what the product and its engines know. A proxy may hold a password, which goes. */
const knownVariables =
  /^(https?_proxy|no_proxy|mst_\w+|culvert_log_level|trace_sessions|debug_level|path|lang|lc_\w+|tz|home|term|hostname|container)$/i;

/** Lines `NAME=VALUE` of which only the values of known variables are shown: an administrator may keep anything there. */
export function redactVariables(text: string): string {
  const lines = text.split('\n').map((line) => {
    const match = /^(\s*(?:export\s+)?)([A-Za-z_]\w*)=/.exec(line);
    const [head = '', , name = ''] = match ?? [];
    return match === null || knownVariables.test(name) ? line : `${head}${redacted}`;
  });
  return redactText(lines.join('\n'));
}

/** What an engine tells of a container, with its environment as above. */
export function redactInspect(text: string): string {
  const shown = (key: string, value: unknown) =>
    key === 'Env' && Array.isArray(value) ? value.map((line) => redactVariables(String(line))) : value;
  try {
    return redactDocument(JSON.stringify(JSON.parse(text, (key, value) => shown(key, value))));
  } catch {
    return redactText(text);
  }
}

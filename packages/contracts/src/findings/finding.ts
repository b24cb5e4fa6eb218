/** One mistake or doubt about a configuration. */
export interface Finding {
  /** Field of the file, such as `serverConfiguration.routeIncludes[3]`; empty when it concerns the whole file. */
  path: string;
  /** The value that was found, shortened; absent when there is none or when it is not a plain value. */
  found?: string;
  /** What is wrong or doubtful, and what is allowed. */
  message: string;
}

/** Everything that was found in one go: problems keep a configuration from being used, warnings do not. */
export interface Findings {
  problems: Finding[];
  warnings: Finding[];
}

/** One line for people: path, what was found, what is allowed. */
export function describeFinding({ path, found, message }: Finding): string {
  const where = path === '' ? '' : `${path}: `;
  return found === undefined ? `${where}${message}` : `${where}found ${found}; ${message}`;
}

/** Writes `['authentication', 0, 'file']` as `authentication[0].file`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(String(part)))
      text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}

const longestQuotation = 80;

/** A value as it stands in the file, shortened so that a finding stays one line. */
export function quoteValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= longestQuotation ? text : `${text.slice(0, longestQuotation - 1)}…`;
}

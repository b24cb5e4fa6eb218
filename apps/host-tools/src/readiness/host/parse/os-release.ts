/** What os-release(5) tells about a distribution. `id` and `idLike` are in lower case; `versionId` may be empty (Debian unstable). */
export type Distribution = Readonly<{
  id: string;
  idLike: readonly string[];
  versionId: string;
  prettyName: string;
}>;

/** The `id` of a distribution that does not name itself (os-release(5)). */
export const nameless = 'linux';

/** Reads the text of `/etc/os-release`. Lines that are no assignment are passed over, as a shell would with comments. */
export function parseOsRelease(text: string): Distribution {
  const values = parseAssignments(text);
  const id = (values.get('ID') ?? nameless).toLowerCase();
  const versionId = values.get('VERSION_ID') ?? '';
  return {
    id,
    idLike: (values.get('ID_LIKE') ?? '').toLowerCase().split(/\s+/).filter(Boolean),
    versionId,
    prettyName: values.get('PRETTY_NAME') ?? [values.get('NAME') ?? id, versionId].join(' ').trim(),
  };
}

/** Assignments `NAME=value`, also with `export` before them, with the quotes of a shell taken off; the last one of a name wins. */
export function parseAssignments(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], unquoted(match[2]));
  }
  return values;
}

function unquoted(value: string): string {
  const quoted = /^(["'])(.*)\1$/s.exec(value);
  if (quoted === null) return value.replace(/\s+#.*$/, '');
  const inner = quoted[2] ?? '';
  return quoted[1] === '"' ? inner.replace(/\\(["$`\\])/g, '$1') : inner;
}

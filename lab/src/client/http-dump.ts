/** One line that openconnect printed under `--dump-http-traffic`. */
export interface DumpedLine {
  direction: 'sent' | 'received';
  text: string;
}

/** Picks the HTTP lines out of a log: `> ` was sent, `< ` was received. */
export function parseHttpDump(log: string): DumpedLine[] {
  return log.split('\n').flatMap((line): DumpedLine[] => {
    if (line.startsWith('> ')) return [{ direction: 'sent', text: line.slice(2) }];
    if (line.startsWith('< ')) return [{ direction: 'received', text: line.slice(2) }];
    return [];
  });
}

/**
 * Headers of the answer to CONNECT in the order of arrival. openconnect reads that answer itself and prints
 * each line as "X-CSTP-Name: value" behind "Got CONNECT response: …".
 */
export function connectResponse(log: string): { status: string; headers: [name: string, value: string][] } {
  const start = log.lastIndexOf('Got CONNECT response: ');
  if (start === -1) return { status: '', headers: [] };
  const [first = '', ...lines] = log.slice(start).split('\n');
  const headers: [string, string][] = [];
  for (const line of lines) {
    const [, name, value] = /^([A-Za-z0-9-]+): (.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) break;
    headers.push([name, value]);
  }
  return { status: first.slice('Got CONNECT response: '.length), headers };
}

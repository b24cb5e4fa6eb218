import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadEnvironmentFile, readEnvironmentFile, setVariables } from './environment-file.ts';

const sample = `# Settings of this server
https_proxy=http://proxy.example.com:3128
no_proxy=localhost,.corp.example.com,10.0.0.0/8

mst_log_verbose=1
`;

describe('env.sh', () => {
  test('holds variables, comments and empty lines', () => {
    expect(readEnvironmentFile(sample)).toEqual({
      ok: true,
      variables: new Map([
        ['https_proxy', 'http://proxy.example.com:3128'],
        ['no_proxy', 'localhost,.corp.example.com,10.0.0.0/8'],
        ['mst_log_verbose', '1'],
      ]),
    });
    expect(readEnvironmentFile('')).toEqual({ ok: true, variables: new Map() });
  });

  test.each([
    ['https_pro', /no "="/, /"=" がありません/],
    ['=http://proxy', /name before "="/, /名前/],
    ['no proxy=x', /name before "="/, /名前/],
    ['https_proxy="http://proxy', /must not hold "/, /引用符/],
    ['TITLE=two words', /must not hold a space/, /空白/],
    ['KEY=$(id)', /must not hold \$/, /シェル/],
    ['export A=b', /"export"/, /"export"/],
    ['A=b\r', /line ends of Windows/, /Windows 形式/],
    ['A=b\0', /no text/, /テキストではない/],
  ])('with the line %j is refused in both languages', (line, en, ja) => {
    const read = readEnvironmentFile(`# first\n${line}\nLATER=1\n`);
    if (read.ok) throw new Error('it was taken');
    expect(read.line).toBe(2);
    expect(read.problem.en).toMatch(en);
    expect(read.problem.ja).toMatch(ja);
  });

  test('that cannot be read is named with its line', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'culvert-')), 'env.sh');
    writeFileSync(file, 'A=1\nhttps_pro');
    expect(() => loadEnvironmentFile(file)).toThrow(`${file}, line 2: there is no "="`);
  });

  test('that is not there is empty', () => {
    expect(loadEnvironmentFile('/does/not/exist/env.sh')).toEqual(new Map());
  });

  test('keeps everything else when variables are set and taken away', () => {
    expect(
      setVariables(sample, { https_proxy: 'http://other:80', mst_log_verbose: undefined, NEW: '1' }),
    ).toBe(
      `# Settings of this server
https_proxy=http://other:80
no_proxy=localhost,.corp.example.com,10.0.0.0/8

NEW=1
`,
    );
    expect(setVariables('A=1', { B: '2' })).toBe('A=1\nB=2\n');
    expect(() => setVariables('', { A: 'b c' })).toThrow(/must not hold a space/);
  });

  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
  const value = fc.string({ maxLength: 20 });

  test('gives back what was set, whatever stood in it, or refuses the value', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), name, value, (before, changed, wanted) => {
        const text = Object.entries(before).reduce(setOrLeave, '');
        const next = setOrLeave(text, [changed, wanted]);
        const read = readEnvironmentFile(next);
        if (!read.ok) throw new Error(read.problem.en);
        if (next !== text) expect(read.variables.get(changed)).toBe(wanted);
        expect(setVariables(next, { [changed]: undefined })).toBe(
          setVariables(text, { [changed]: undefined }),
        );
      }),
    );
  });

  test('is understood by a shell as it is understood here', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'culvert-')), 'env.sh');
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 12 }), (text) => {
        const line = `CULVERT_VALUE=${text}`;
        const read = readEnvironmentFile(line);
        if (!read.ok) return;
        writeFileSync(file, line);
        const shell = execFileSync('sh', ['-c', '. "$0"; printf %s "$CULVERT_VALUE"', file], { env: {} });
        expect(shell.toString()).toBe(read.variables.get('CULVERT_VALUE'));
      }),
      { numRuns: 200 },
    );
  });
});

function setOrLeave(text: string, [name, value]: [string, string]): string {
  try {
    return setVariables(text, { [name]: value });
  } catch {
    return text;
  }
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { RecordedTerminal } from '../../program/testing.ts';
import { runTool } from '../../program/tool.ts';
import { cliTool } from '../program.ts';
import { collectParts, writeArchive } from './archive.ts';
import { listGuarded, readGuarded } from './guarded-file.ts';
import { redactInspect, redactVariables } from './redact.ts';

const key = `-----BEGIN PRIVATE KEY-----\n${'geheimKey'.repeat(7)}a\n-----END PRIVATE KEY-----\n`;

/** A server with a secret wherever an administrator, a device or a mistake could leave one. */
function plantedServer(): string {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-diagnose-'));
  const outside = mkdtempSync(join(tmpdir(), 'culvert-outside-'));
  const write = (path: string, text: string) => {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), text);
  };
  write(
    'env.sh',
    'HTTP_PROXY=http://user:geheim1@proxy:3128\nMY_SETTING=geheim2\nmst_image_registry=registry.example\n',
  );
  write(
    'gateway.json',
    JSON.stringify({ publicAddress: 'vpn.example.com', pfxPassword: 'geheim3', note: key }),
  );
  write('agent-info.json', JSON.stringify({ AgentId: 'a', token: 'geheim4' }));
  write('admin-settings.json', '{ "half": "password=geheim5');
  write('private/site.key', key);
  write('private/site.pfx', 'geheim6');
  write('agent/identity.json', 'geheim7');
  const line = (fields: object) =>
    `${JSON.stringify({ level: 'info', time: '2026-01-31T08:00:00.000Z', ...fields })}\n`;
  write(
    'log/mstunnel-server.jsonl',
    line({ cookie: 'geheim8', msg: 'Authorization: Bearer geheim9geheim9' }) +
      line({ msg: 'the gateway is well' }) +
      `Cookie: webvpn=geheim10\n${key}`,
  );
  write('log/engine.log', 'password: geheim11\nculvert-join-geheim12\n');
  write('log/access.jsonl', line({ event: 'connect', user: 'alice' }));
  writeFileSync(join(outside, 'shadow'), 'root:geheim13:1:0\n');
  symlinkSync(join(outside, 'shadow'), join(directory, 'log/mstunnel-agent.jsonl'));
  symlinkSync(join(outside, 'shadow'), join(directory, 'version-info.json'));
  return directory;
}

async function diagnose(directory: string, ...words: string[]) {
  const terminal = new RecordedTerminal();
  const status = await runTool(cliTool, ['--directory', directory, 'diagnose', ...words], terminal, {});
  return { status, printed: terminal.printed, complained: terminal.complained };
}

describe('a diagnosis', () => {
  test('has what helps and no secret, follows no link, and tells what is left out', async () => {
    const directory = plantedServer();
    const file = join(directory, 'out.tar.gz');
    const { status, printed, complained } = await diagnose(directory, '--output', file);
    expect(status).toBe(0);
    expect(printed).toContain(`Wrote ${file}`);
    expect(complained).toContain('left out gateway-status.json: The gateway does not run');
    expect(complained).toContain('left out logs/mstunnel-agent.jsonl');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const names = execFileSync('tar', ['tzf', file], { encoding: 'utf8' });
    for (const name of [
      'manifest.json',
      'configuration/gateway.json',
      'logs/mstunnel-server.jsonl',
      'versions.json',
      'health.json',
    ]) {
      expect(names).toContain(name);
    }
    const content = gunzipSync(readFileSync(file)).toString('latin1');
    expect(content).not.toMatch(/geheim/i);
    for (const kept of [
      'vpn.example.com',
      'registry.example',
      'the gateway is well',
      '"user":"alice"',
      'http://user:',
    ]) {
      expect(content).toContain(kept);
    }
  }, 60_000);

  test('goes into a directory of its own by default, and over no file', async () => {
    const directory = plantedServer();
    expect((await diagnose(directory)).printed).toContain(join(directory, 'diagnostic/mstunnel-'));
    const file = join(directory, 'there');
    writeFileSync(file, 'kept');
    expect(await diagnose(directory, '--output', file)).toMatchObject({
      status: 1,
      complained: expect.stringContaining('not overwritten'),
    });
    expect(readFileSync(file, 'utf8')).toBe('kept');
  }, 60_000);

  test('leaves out logs whose directory is a link', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'culvert-diagnose-'));
    symlinkSync('/etc', join(directory, 'log'));
    const { status, complained } = await diagnose(directory);
    expect(status).toBe(0);
    expect(complained).toContain('left out logs: ');
  }, 60_000);

  test('is not written where somebody has put a link', async () => {
    const directory = plantedServer();
    const elsewhere = mkdtempSync(join(tmpdir(), 'culvert-elsewhere-'));
    symlinkSync(elsewhere, join(directory, 'diagnostic'));
    expect(await diagnose(directory)).toMatchObject({
      status: 1,
      complained: expect.stringContaining('is a link'),
    });
  }, 60_000);
});

test('a part that fails is left out, and the others are there', async () => {
  const { files, diagnosis } = await collectParts([
    { name: 'b', collect: async () => 'text' },
    { name: 'a', collect: () => Promise.reject(new Error('the engine is down')) },
    { name: 'c', collect: async () => undefined },
  ]);
  expect(files).toEqual([{ name: 'b', text: 'text' }]);
  expect(diagnosis).toEqual({ parts: ['b'], leftOut: [{ name: 'a', reason: 'the engine is down' }] });
});

test('a disk that is full is told, and nothing half is left', async () => {
  await expect(writeArchive('/dev/full/x', [], 'x', new Date(0))).rejects.toThrow('--output');
});

test('only known variables show their values', () => {
  expect(redactVariables('# note\nexport https_proxy=http://p:1\nTZ=UTC\nSTRANGE=x\nexport API=y')).toBe(
    '# note\nexport https_proxy=http://p:1\nTZ=UTC\nSTRANGE=…\nexport API=…',
  );
  const inspect = redactInspect(
    JSON.stringify([{ Name: 'mstunnel-server', Config: { Env: ['A=geheim', 'PATH=/bin'] } }]),
  );
  expect(inspect).toContain('PATH=/bin');
  expect(inspect).not.toContain('geheim');
});

test('nothing but plain files is read where containers write, and no directory is a link', () => {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-guarded-'));
  mkdirSync(join(directory, 'log'));
  writeFileSync(join(directory, 'log/a'), '0123456789');
  symlinkSync(join(directory, 'log'), join(directory, 'link'));
  execFileSync('mkfifo', [join(directory, 'log/pipe')]);
  expect(readGuarded(directory, ['log', 'a'], 4)).toBe('6789');
  expect(readGuarded(directory, ['log', 'none'], 4)).toBeUndefined();
  expect(() => readGuarded(directory, ['link', 'a'], 4)).toThrow();
  expect(() => readGuarded(directory, ['log', 'pipe'], 4)).toThrow('no plain file');
  expect(listGuarded(directory, ['log'])).toEqual(['a', 'pipe']);
  expect(() => listGuarded(directory, ['link'])).toThrow();
});

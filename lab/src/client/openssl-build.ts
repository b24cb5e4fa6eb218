import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { execute } from '../system/command.ts';
import { cacheDirectory, opensslClientFile } from './builds.ts';

/** The client as such, without what only other protocols, token devices or desktops need. */
const configureOptions = [
  '--with-openssl',
  '--without-gnutls',
  '--without-openssl-version-check',
  '--with-vpnc-script=/bin/true',
  '--without-libproxy',
  '--without-stoken',
  '--without-libpskc',
  '--without-libpcsclite',
  '--without-gssapi',
  '--without-lz4',
  '--disable-nls',
  '--disable-docs',
  '--disable-shared',
  '--enable-static',
];

const sources =
  'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main\n';

/**
 * Builds openconnect against OpenSSL from the source of Debian's own package and keeps it in the cache. It is only
 * a peer for tests: its DTLS differs from that of the GnuTLS build (suites, extensions, stale pre-shared keys).
 */
export async function buildOpensslClient(say: (line: string) => void): Promise<void> {
  if (existsSync(opensslClientFile)) {
    say(`openconnect with OpenSSL: ${opensslClientFile} (built before)`);
    return;
  }
  mkdirSync(cacheDirectory, { recursive: true });
  // In the cache and not in /tmp, so that the last step is a rename within one file system.
  const work = mkdtempSync(join(cacheDirectory, 'build-'));
  try {
    say("openconnect with OpenSSL: fetching the source of Debian's package");
    const tree = await fetchSource(work);
    say('openconnect with OpenSSL: building, about half a minute');
    const timeoutMilliseconds = 10 * 60_000;
    await execute(['./configure', ...configureOptions], { directory: tree, timeoutMilliseconds });
    await execute(['make', '-j', String(availableParallelism())], { directory: tree, timeoutMilliseconds });
    const { stdout } = await execute([join(tree, 'openconnect'), '--version']);
    if (!stdout.includes('Using OpenSSL')) throw new Error(`the build does not use OpenSSL:\n${stdout}`);
    const finished = join(work, 'openconnect-openssl');
    copyFileSync(join(tree, 'openconnect'), finished);
    renameSync(finished, opensslClientFile);
    say(`openconnect with OpenSSL: ${opensslClientFile}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Downloads and unpacks the source with a private apt configuration; the machine's own sources stay as they are. */
async function fetchSource(work: string): Promise<string> {
  for (const directory of ['lists/partial', 'archives/partial']) {
    mkdirSync(join(work, directory), { recursive: true });
  }
  writeFileSync(join(work, 'sources.list'), sources);
  const settings = [
    `Dir::Etc::sourcelist=${join(work, 'sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::Cache=${work}`,
    // The build directory belongs to root, and the unprivileged user of apt cannot write to it.
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  const timeoutMilliseconds = 5 * 60_000;
  await execute(['apt-get', ...settings, 'update'], { timeoutMilliseconds });
  // The upstream archive alone: apt checks its hash against the signed index, Debian's patches concern other
  // protocols, and the detached signature that a whole download wants is not on every mirror.
  await execute(['apt-get', ...settings, 'source', '--tar-only', 'openconnect'], {
    directory: work,
    timeoutMilliseconds,
  });
  const archive = readdirSync(work).find((name) => /^openconnect_.*\.orig\.tar\.gz$/.test(name));
  if (archive === undefined) throw new Error('apt-get source left no openconnect archive');
  await execute(['tar', '--extract', '--gzip', '--file', archive], { directory: work });
  const tree = readdirSync(work).find((name) => /^openconnect-[\d.]+$/.test(name));
  if (tree === undefined) throw new Error(`${archive} holds no openconnect folder`);
  return join(work, tree);
}

import { lstatSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { wrongPassword } from '@culvert/certificates/legacy-pfx.ts';
import {
  type ReadCertificate,
  readServerCertificate,
} from '@culvert/certificates/rules/read-server-certificate.ts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import { Failure } from '../program/failure.ts';

/** Files that an administrator has put where the product looks for its certificate. */
export type CertificateSource = { kind: 'pfx'; file: string } | { kind: 'pem'; chain: string; key: string };

type Places = Pick<HostLayout, 'certificates' | 'privateKeys'>;

/** A certificate has no more than some kilobytes; more is a wrong path. */
const largestBytes = 1 << 20;

/** The files that are there; undefined when none is. Throws a Failure for half of a pair, and for both kinds at once. */
export function findSource({ certificates, privateKeys }: Places): CertificateSource | undefined {
  const [pfx, chain, key] = [privateKeys.pfx, certificates.chain, privateKeys.key].map(isThere);
  if (pfx && (chain || key)) {
    throw new Failure({
      en: `There are two certificates: ${privateKeys.pfx} and ${chain ? certificates.chain : privateKeys.key}. Remove the one that is not to be used.`,
      ja: `証明書が 2 つあります: ${privateKeys.pfx} と ${chain ? certificates.chain : privateKeys.key}。使用しない方を削除してください。`,
    });
  }
  if (pfx) return { kind: 'pfx', file: privateKeys.pfx };
  if (chain && key) return { kind: 'pem', chain: certificates.chain, key: privateKeys.key };
  if (!chain && !key) return undefined;
  const [present, missing] = chain
    ? [certificates.chain, privateKeys.key]
    : [privateKeys.key, certificates.chain];
  throw new Failure({
    en: `${present} is there, but ${missing} is missing. Put it there too.`,
    ja: `${present} はありますが、${missing} がありません。両方を配置してください。`,
  });
}

/** What was read, or that the PFX file wants another password. */
export type ReadSource = { kind: 'read'; certificate: ReadCertificate } | { kind: 'wrongPassword' };

/** Reads the files of a source. Throws a Failure that names the file and what is wrong with it. */
export async function readSource(source: CertificateSource, password: string): Promise<ReadSource> {
  const file = source.kind === 'pfx' ? source.file : source.chain;
  const keyText = source.kind === 'pfx' ? {} : { keyText: readPlain(source.key).toString('latin1') };
  const read = await readServerCertificate(readPlain(file), { ...keyText, password });
  if (read.ok) return { kind: 'read', certificate: read.value };
  if (read.message === wrongPassword().message) return { kind: 'wrongPassword' };
  throw new Failure({
    en: `${file} ${read.message}.`,
    ja: `${file}: ${read.messageInJapanese}。`,
  });
}

/** The name of a source for people. */
export function nameOfSource(source: CertificateSource): string {
  return source.kind === 'pfx' ? source.file : `${source.chain} + ${basename(source.key)}`;
}

/** Links are followed: only root writes to the directories, so they are the administrator's own. */
function readPlain(file: string): Buffer {
  try {
    const { size } = statSync(file);
    if (size > largestBytes) {
      throw new Failure({
        en: `${file} has ${size} bytes, which is no certificate.`,
        ja: `${file} のサイズは ${size} バイトで、証明書ではありません。`,
      });
    }
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Failure(
      code === 'ENOENT'
        ? {
            en: `${file} is a link to a file that does not exist.`,
            ja: `${file} のリンク先のファイルが存在しません。`,
          }
        : { en: `${file} cannot be read: ${message}.`, ja: `${file} を読み取れません: ${message}。` },
      { cause: error },
    );
  }
}

/** True for links too, wherever they lead: a broken one is told of when it is read. */
function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

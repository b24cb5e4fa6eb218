import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayAddress, gatewayAddress6, gatewayName } from '../network/network.ts';
import { execute } from '../system/command.ts';
import { makeDirectory } from '../system/run.ts';

/** Kind of key as `openssl` names it. */
export type KeyKind = 'ec:prime256v1' | 'rsa:1024' | 'rsa:2048';

export interface CertificateRequest {
  commonName: string;
  /** As in openssl's `subjectAltName`. */
  subjectAlternativeNames?: readonly string[];
  key?: KeyKind;
  usage?: 'serverAuth' | 'clientAuth';
}

export interface IssuedCertificate {
  /** PEM: the certificate alone. */
  certificateFile: string;
  /** PEM: the certificate, then the intermediate one. */
  chainFile: string;
  privateKeyFile: string;
}

/** A certification authority of two levels, so that a server that forgets its chain is found out. */
export class Authority {
  /** PEM of the root: what clients trust. */
  readonly rootFile: string;
  readonly #directory: string;
  #issued = 0;

  private constructor(directory: string) {
    this.#directory = directory;
    this.rootFile = join(directory, 'root.crt');
  }

  static async create(name = 'Lab'): Promise<Authority> {
    const directory = makeDirectory('authority');
    const authority = new Authority(directory);
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    await selfSigned(directory, 'root', `${name} root`, extensions);
    await selfSigned(directory, 'intermediate', `${name} intermediate`, extensions, 'root');
    return authority;
  }

  /** PEM of the intermediate authority, which signs everything that is issued. */
  get intermediateFile(): string {
    return join(this.#directory, 'intermediate.crt');
  }

  async issue(request: CertificateRequest): Promise<IssuedCertificate> {
    this.#issued += 1;
    const name = `certificate${this.#issued}`;
    const file = (suffix: string) => join(this.#directory, `${name}.${suffix}`);
    const extensions = [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature,keyEncipherment',
      `extendedKeyUsage=${request.usage ?? 'serverAuth'}`,
    ];
    const names = request.subjectAlternativeNames ?? [];
    if (names.length > 0) extensions.push(`subjectAltName=${names.join(',')}`);
    await selfSigned(this.#directory, name, request.commonName, extensions, 'intermediate', request.key);
    writeFileSync(file('chain.crt'), readFileSync(file('crt')));
    writeFileSync(file('chain.crt'), readFileSync(this.intermediateFile), { flag: 'a' });
    return { certificateFile: file('crt'), chainFile: file('chain.crt'), privateKeyFile: file('key') };
  }

  /** The certificate of the lab's gateway. */
  issueSite(key?: KeyKind): Promise<IssuedCertificate> {
    return this.issue({
      commonName: gatewayName,
      subjectAlternativeNames: [`DNS:${gatewayName}`, `IP:${gatewayAddress}`, `IP:${gatewayAddress6}`],
      ...(key === undefined ? {} : { key }),
    });
  }
}

async function selfSigned(
  directory: string,
  name: string,
  commonName: string,
  extensions: readonly string[],
  issuer?: string,
  key: KeyKind = 'ec:prime256v1',
): Promise<void> {
  const file = (of: string, suffix: string) => join(directory, `${of}.${suffix}`);
  const [algorithm = '', parameter = ''] = key.split(':');
  const newKey =
    algorithm === 'ec'
      ? ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${parameter}`]
      : ['-newkey', `rsa:${parameter}`];
  const signer = issuer === undefined ? [] : ['-CA', file(issuer, 'crt'), '-CAkey', file(issuer, 'key')];
  await execute([
    ...[
      'openssl',
      'req',
      '-x509',
      '-config',
      '/dev/null',
      '-noenc',
      '-days',
      '365',
      '-subj',
      `/CN=${commonName}`,
    ],
    ...newKey,
    ...['-keyout', file(name, 'key'), '-out', file(name, 'crt')],
    ...signer,
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ]);
}

/** Packs a certificate, its chain and its key into a PFX file. */
export async function exportPfx(certificate: IssuedCertificate, password: string): Promise<string> {
  const file = certificate.certificateFile.replace(/\.crt$/, '.pfx');
  await execute([
    ...['openssl', 'pkcs12', '-export', '-inkey', certificate.privateKeyFile, '-in', certificate.chainFile],
    ...['-out', file, '-passout', `pass:${password}`],
  ]);
  return file;
}

/** Puts another certificate where a server reads its own. */
export function replaceCertificate(target: IssuedCertificate, source: IssuedCertificate): void {
  copyFileSync(source.certificateFile, target.certificateFile);
  copyFileSync(source.chainFile, target.chainFile);
  copyFileSync(source.privateKeyFile, target.privateKeyFile);
}

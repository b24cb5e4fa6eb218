import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes keys and certificates with the `openssl` command, the tool that administrators use. */
export class CertificateWorkshop {
  readonly directory = mkdtempSync(join(tmpdir(), 'culvert-test-'));

  path(name: string): string {
    return join(this.directory, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  openssl(...parameters: string[]): void {
    execFileSync('openssl', parameters, { cwd: this.directory, stdio: 'pipe' });
  }

  /** `NAME.key` and `NAME.crt`, signed by itself. */
  authority(name: string, options: { key?: string[]; days?: number } = {}): void {
    const { key = ['-newkey', 'rsa:2048'], days = 3650 } = options;
    this.openssl(
      'req',
      '-x509',
      ...key,
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      '-days',
      String(days),
      '-subj',
      `/CN=${name}`,
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    );
  }

  /** `NAME.key` and `NAME.crt`, issued by an authority made before; `extensions` are lines of openssl's file. */
  issue(
    name: string,
    issuer: string,
    options: { key?: string[]; days?: number; subject?: string; extensions?: string[] } = {},
  ): void {
    const { key = ['-newkey', 'rsa:2048'], days = 365, subject = `/CN=${name}`, extensions = [] } = options;
    this.openssl(
      'req',
      '-new',
      ...key,
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      subject,
    );
    writeFileSync(this.path(`${name}.ext`), `${extensions.join('\n')}\n`);
    this.openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${issuer}.crt`,
      '-CAkey',
      `${issuer}.key`,
      '-CAcreateserial',
      '-out',
      `${name}.crt`,
      '-days',
      String(days),
      '-extfile',
      `${name}.ext`,
    );
  }
}

export const ecKey = (curve: string) => ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`];

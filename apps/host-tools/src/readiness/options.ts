import { readFile } from 'node:fs/promises';
import { explainCidr } from '@culvert/contracts';
import { WrongUse } from '../program/failure.ts';

/** Reads a whole number of an option, from 1 to `most`. */
export function wholeNumber(option: string, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= most) return value;
    throw new WrongUse({
      en: `${option}: expected a whole number from 1 to ${most}, not "${text}"`,
      ja: `${option}: 1 から ${most} までの整数を指定してください (指定値: ${text})`,
    });
  };
}

/** Collects the networks of an option that may be given several times. */
export function networks(option: string): (text: string, before?: readonly string[]) => string[] {
  return (text, before = []) => {
    const problem = explainCidr(text, 'ipv4');
    if (problem === undefined) return [...before, text];
    throw new WrongUse({
      en: `${option}: ${problem}`,
      ja: `${option}: 10.70.0.0/16 のような IPv4 ネットワークを、ホスト部を 0 にして指定してください (指定値: ${text})`,
    });
  };
}

/** Reads the address of a control plane: https, and nothing after the host. */
export function controlPlaneAddress(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url?.protocol === 'https:' && url.pathname === '/' && url.username === '') return url.origin;
  throw new WrongUse({
    en: `--control-plane: expected an address such as https://control.example.com, not "${text}"`,
    ja: `--control-plane: https://control.example.com のようなアドレスを指定してください (指定値: ${text})`,
  });
}

/** The text of the file that an option names. */
export async function readNamed(option: string, file: string): Promise<string> {
  return (await readNamedBytes(option, file)).toString('latin1');
}

/** The bytes of the file that an option names. */
export async function readNamedBytes(option: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WrongUse({
      en: `${option}: ${file} cannot be read: ${reason}`,
      ja: `${option}: ${file} を読み取れません: ${reason}`,
    });
  }
}

/** The same where the option may be left out. */
export async function readNamedIfGiven(
  option: string,
  file: string | undefined,
): Promise<string | undefined> {
  return file === undefined ? undefined : readNamed(option, file);
}

/** The address of the control plane where nothing else can say it. */
export function requireControlPlane(address: string | undefined): string {
  if (address !== undefined) return address;
  throw new WrongUse({
    en: 'Say which control plane with --control-plane URL.',
    ja: '--control-plane URL でコントロール プレーンを指定してください。',
  });
}

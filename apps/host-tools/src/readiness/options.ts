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

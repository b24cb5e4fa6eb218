import { readFileSync } from 'node:fs';

/** One call of the client script: what openconnect told it in its environment. */
export class ScriptCall {
  readonly environment: Readonly<Record<string, string>>;

  constructor(environment: Record<string, string>) {
    this.environment = environment;
  }

  /** `connect`, `reconnect`, `attempt-reconnect`, `disconnect` or `pre-init`. */
  get reason(): string {
    return this.environment.reason ?? '';
  }

  value(name: string): string | undefined {
    return this.environment[name];
  }

  get mtu(): number {
    return Number(this.environment.INTERNAL_IP4_MTU);
  }

  /** Networks that the server wants in the tunnel (`include`) or out of it, in CIDR form, both families. */
  routes(kind: 'include' | 'exclude'): string[] {
    const word = kind === 'include' ? 'INC' : 'EXC';
    return [...this.#list(`CISCO_SPLIT_${word}`), ...this.#list(`CISCO_IPV6_SPLIT_${word}`)];
  }

  /** Values of an `X-CSTP-…` header of the answer to CONNECT; those of DTLS are not given to the script. */
  headers(name: string): string[] {
    const lines = (this.environment.CISCO_CSTP_OPTIONS ?? '').split('\n');
    return lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
  }

  #list(name: string): string[] {
    const count = Number(this.environment[name] ?? 0);
    return Array.from({ length: count }, (_, index) => {
      const part = (suffix: string) => this.environment[`${name}_${index}_${suffix}`] ?? '';
      return `${part('ADDR')}/${part('MASKLEN')}`;
    });
  }
}

/** Reads what the script has recorded so far. */
export function readScriptCalls(file: string): ScriptCall[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // No call yet.
    return [];
  }
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => new ScriptCall(JSON.parse(line) as Record<string, string>));
}

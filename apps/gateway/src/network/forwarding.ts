import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';

export type Family = 'ipv4' | 'ipv6';

const settings: Record<Family, string> = {
  ipv4: 'net.ipv4.ip_forward',
  ipv6: 'net.ipv6.conf.all.forwarding',
};
const switches: Record<Family, string> = {
  ipv4: '/proc/sys/net/ipv4/ip_forward',
  ipv6: '/proc/sys/net/ipv6/conf/all/forwarding',
};

/**
 * Switches forwarding on where it is off, and back off at the end. What was changed is kept in a file, because the
 * gateway that puts it back may be another process than the one that changed it.
 */
export class Forwarding {
  readonly #record: string;
  readonly #logger: Logger;
  #changed: Family[] = [];

  constructor(runtimeDirectory: string, logger: Logger) {
    this.#record = join(runtimeDirectory, 'forwarding-changed');
    this.#logger = logger;
  }

  /** True when this host forwarded no IPv4 before this gateway, also if an earlier process changed it. */
  get changed(): boolean {
    return this.#changed.includes('ipv4');
  }

  /** Finds out what has to be switched on. */
  async inspect(families: Family[]): Promise<void> {
    this.#changed = await this.#recall();
    for (const family of families) {
      const off = (await readFile(switches[family], 'utf8')).trim() === '0';
      if (off && !this.#changed.includes(family)) this.#changed.push(family);
    }
  }

  /** Switches on what `inspect` found to be off. */
  async enable(): Promise<void> {
    if (this.#changed.length === 0) return;
    // Recorded first: a record too many puts back what was off anyway.
    await writeFile(this.#record, this.#changed.join('\n'), { mode: 0o600 });
    for (const family of this.#changed) {
      if ((await readFile(switches[family], 'utf8')).trim() !== '0') continue;
      await this.#switchOn(family);
      this.#logger.info({ setting: switches[family] }, `switched ${family} forwarding on`);
    }
  }

  async putBack(): Promise<void> {
    for (const family of await this.#recall()) {
      await writeFile(switches[family], '0');
      this.#logger.info({ setting: switches[family] }, `switched ${family} forwarding off again`);
    }
    this.#changed = [];
    await rm(this.#record, { force: true });
  }

  async #switchOn(family: Family): Promise<void> {
    try {
      await writeFile(switches[family], '1');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EROFS' && code !== 'EACCES' && code !== 'EPERM') throw error;
      // Nothing was changed that could be put back.
      await rm(this.#record, { force: true });
      throw new Error(
        `${family} forwarding is off, and only root of the host can switch it on: ` +
          `start the container with "--sysctl ${settings[family]}=1"`,
        { cause: error },
      );
    }
  }

  async #recall(): Promise<Family[]> {
    const text = await readFile(this.#record, 'utf8').catch(() => '');
    return text.split('\n').filter((line): line is Family => line === 'ipv4' || line === 'ipv6');
  }
}

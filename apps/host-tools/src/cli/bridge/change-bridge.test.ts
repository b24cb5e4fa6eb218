import { describe, expect, test } from 'vitest';
import { type BridgeHost, changeBridge } from './change-bridge.ts';

const change = { before: 'old file', after: 'new file', network: '192.168.128.0/24' };

/** A host that only remembers: its engine is up with what the file says, unless it does not take that file. */
class RememberedHost implements BridgeHost {
  readonly done: string[] = [];
  file: string | undefined = 'old file';
  isUp = true;
  containersRun = true;
  refuses: ReadonlySet<string | undefined> = new Set();
  told = '192.168.128.0/24';

  async stopContainers() {
    this.done.push('stop containers');
    this.containersRun = false;
  }
  async startContainers() {
    if (!this.isUp) throw new Error('no engine');
    this.done.push('start containers');
    this.containersRun = true;
  }
  async stopEngine() {
    this.done.push('stop engine');
    this.isUp = false;
  }
  async startEngine() {
    this.done.push('start engine');
    if (this.refuses.has(this.file)) throw new Error('the engine does not start');
    this.isUp = true;
  }
  async removeBridge() {
    if (this.isUp) throw new Error('an engine that runs makes it again');
    this.done.push('remove bridge');
  }
  async write(text: string | undefined) {
    this.done.push('write');
    this.file = text;
  }
  async network() {
    return this.file === 'new file' ? this.told : '10.88.0.0/16';
  }
}

describe('the change of a bridge', () => {
  test('stops what uses it, makes it anew and starts all again, in this order', async () => {
    const host = new RememberedHost();
    await changeBridge(host, change, () => {});
    expect(host.done).toEqual([
      'stop containers',
      'stop engine',
      'remove bridge',
      'write',
      'start engine',
      'start containers',
    ]);
    expect(host.file).toBe('new file');
  });

  test('goes back to the old file when the engine does not come up with the new one', async () => {
    const host = new RememberedHost();
    host.refuses = new Set(['new file']);
    await expect(changeBridge(host, change, () => {})).rejects.toThrow('The old network is in use again');
    expect(host).toMatchObject({ file: 'old file', isUp: true, containersRun: true });
  });

  test('goes back when the engine comes up with another network', async () => {
    const host = new RememberedHost();
    host.told = '172.17.0.0/16';
    await expect(changeBridge(host, change, () => {})).rejects.toThrow('uses 172.17.0.0/16 instead');
    expect(host).toMatchObject({ file: 'old file', isUp: true, containersRun: true });
  });

  test('takes a file away again that was not there before', async () => {
    const host = new RememberedHost();
    host.file = undefined;
    host.refuses = new Set(['new file']);
    await expect(changeBridge(host, { ...change, before: undefined }, () => {})).rejects.toThrow('again');
    expect(host.file).toBeUndefined();
  });

  test('says so when there is no way back', async () => {
    const host = new RememberedHost();
    host.refuses = new Set(['new file', 'old file']);
    await expect(changeBridge(host, change, () => {})).rejects.toThrow('Going back failed too');
  });
});

import type { Check, Finding } from '../../checks/check.ts';
import type { HostView } from './host-view.ts';

const folder = '/sys/class/net';

/** Interfaces behind which there is hardware, of this machine or of the one that it runs on. */
export async function hardwareInterfacesOf(view: HostView): Promise<string[] | undefined> {
  const names = await view.list(folder);
  if (names.length === 0) return undefined;
  const known = await Promise.all(
    names.map(async (name) => ({ name, isHardware: await view.exists(`${folder}/${name}/device`) })),
  );
  return known.filter(({ isHardware }) => isHardware).map(({ name }) => name);
}

export function judgeInterfaces(names: readonly string[] | undefined): Finding {
  if (names === undefined) {
    return {
      result: 'unknown',
      found: { en: 'told only by the running kernel', ja: '稼働中のカーネルでのみ確認できます' },
      remedy: { commands: ['ip link'] },
    };
  }
  const list = names.join(', ');
  if (names.length >= 2) return { result: 'ok', found: { en: list, ja: list } };
  return {
    result: 'ok',
    found: {
      en: `${list === '' ? 'only virtual ones' : list}; one is enough, two are recommended: one for devices, one for the internal network`,
      ja: `${list === '' ? '仮想インターフェイスのみ' : list}。1 つでも動作しますが、デバイス用と社内ネットワーク用の 2 つを推奨します`,
    },
  };
}

export function networkInterfacesCheck(view: HostView): Check {
  return {
    id: 'utils.network-interfaces',
    title: { en: 'Network interfaces', ja: 'ネットワーク インターフェイス' },
    why: {
      en: 'Two keep the traffic of devices and that of the internal network apart.',
      ja: '2 つあると、デバイスの通信と社内ネットワークの通信を分けられます。',
    },
    run: async () => judgeInterfaces(await hardwareInterfacesOf(view)),
  };
}

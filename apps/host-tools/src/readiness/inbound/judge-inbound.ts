import type { Arrival, InboundProbeAnswer } from '@culvert/contracts';
import type { CheckSubject, Finding } from '../../checks/check.ts';

type ProbedAddress = InboundProbeAnswer['value'][number];

export const inboundSubjects: Record<'tcp' | 'udp', CheckSubject> = {
  tcp: {
    id: 'inbound.tcp',
    title: { en: 'Inbound TCP', ja: '受信 TCP' },
    why: {
      en: 'Devices sign in over TCP, and send their data over it where UDP does not pass.',
      ja: 'デバイスは TCP でサインインし、UDP が通らない場合はデータも TCP で送ります。',
    },
  },
  udp: {
    id: 'inbound.udp',
    title: { en: 'Inbound UDP', ja: '受信 UDP' },
    why: {
      en: 'Devices send their data over UDP; without it tunnels work, but slower.',
      ja: 'デバイスは UDP でデータを送ります。UDP が届かなくても動作しますが、低速になります。',
    },
  },
};

/**
 * What a probe says about one protocol. Where the gateway counts datagrams, `counted` is how many more there are; undefined when it does
 * not say.
 */
export function judgeInbound(
  protocol: 'tcp' | 'udp',
  port: number,
  probed: readonly ProbedAddress[],
  counting: { isCounted: boolean; counted?: number | undefined } = { isCounted: false },
): Finding {
  if (protocol === 'udp' && counting.isCounted) return judgeCounted(port, probed, counting.counted);
  const arrived = probed.filter((one) => one[protocol].hasArrived);
  const missing = probed.filter((one) => !one[protocol].hasArrived).map(({ address }) => address);
  const name = protocol.toUpperCase();
  if (missing.length > 0) {
    const list = missing.join(', ');
    return {
      result: arrived.length > 0 ? 'warning' : 'failed',
      found: {
        en: `${name} port ${port} does not arrive at ${list}`,
        ja: `${list} の ${name} ポート ${port} への通信が届きません`,
      },
      remedy: openThePort(name, port),
    };
  }
  const list = arrived.map((one) => `${one.address} ${latency(one[protocol])}`).join(', ');
  return {
    result: 'ok',
    found: { en: `${name} port ${port} arrives: ${list}`, ja: `${name} ポート ${port} に届きます: ${list}` },
  };
}

function judgeCounted(port: number, probed: readonly ProbedAddress[], counted: number | undefined): Finding {
  const sent = probed.reduce((sum, { datagrams }) => sum + datagrams, 0);
  if (counted === undefined) {
    return {
      result: 'unknown',
      found: {
        en: 'the gateway that runs here does not say what arrives over UDP',
        ja: '稼働中のゲートウェイから UDP の受信数を取得できません',
      },
      remedy: { commands: ['sudo mst-cli server stop'] },
    };
  }
  // One of each address may be lost on the way.
  if (counted >= sent - probed.length) {
    return {
      result: 'ok',
      found: {
        en: `UDP port ${port} arrives: the gateway has counted ${Math.min(counted, sent)} of ${sent} datagrams`,
        ja: `UDP ポート ${port} に届きます (ゲートウェイの受信数: ${sent} 個中 ${Math.min(counted, sent)} 個)`,
      },
    };
  }
  return {
    result: counted === 0 ? 'failed' : 'warning',
    found: {
      en: `of ${sent} datagrams to UDP port ${port} the gateway has counted ${counted}`,
      ja: `UDP ポート ${port} に送った ${sent} 個のうち、ゲートウェイが受信したのは ${counted} 個です`,
    },
    remedy: openThePort('UDP', port),
  };
}

function openThePort(name: string, port: number) {
  return {
    text: {
      en: `let ${name} ${port} in at every firewall before this server, and forward it at the router or load balancer`,
      ja: `経路上のすべてのファイアウォールで ${name} ${port} の受信を許可し、ルーターやロード バランサーで転送してください`,
    },
    commands: [],
  };
}

function latency({ milliseconds }: Arrival): string {
  return milliseconds === null ? '' : `${milliseconds} ms`;
}

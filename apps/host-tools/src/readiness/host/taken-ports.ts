import type { Check, Finding } from '../../checks/check.ts';
import { type HostView, textOf } from './host-view.ts';
import { type ListeningSocket, listeningSockets } from './parse/sockets.ts';

type Protocol = 'tcp' | 'udp';

/** A socket on the wanted port and, where it may be seen, the program that holds it. */
export type Holder = Readonly<{
  protocol: Protocol;
  address: string;
  program: string | undefined;
  isOurs: boolean;
}>;

const ourPrograms = new Set(['culvert-engine', 'mst-engine']);
/** Programs that hold a port for a container. */
const portPrograms = new Set(['docker-proxy', 'conmon', 'rootlessport', 'slirp4netns', 'pasta']);

/** Who listens on a port; undefined where no kernel runs. */
export async function holdersOf(view: HostView, port: number): Promise<Holder[] | undefined> {
  if ((await view.read('/proc/net/tcp')).text === undefined) return undefined;
  const sockets = await Promise.all(
    (['tcp', 'tcp6', 'udp', 'udp6'] as const).map(async (table) => {
      const protocol: Protocol = table.startsWith('tcp') ? 'tcp' : 'udp';
      const text = await textOf(view, `/proc/net/${table}`);
      return listeningSockets(text, protocol)
        .filter((socket) => socket.port === port)
        .map((socket) => ({ protocol, socket }));
    }),
  );
  return Promise.all(sockets.flat().map(({ protocol, socket }) => holder(view, protocol, socket)));
}

async function holder(view: HostView, protocol: Protocol, socket: ListeningSocket): Promise<Holder> {
  const program = view.isRunning ? await programWith(view, socket.inode) : undefined;
  const isOurs =
    program !== undefined &&
    (ourPrograms.has(program) || (portPrograms.has(program) && (await isPublishedByUs(view, socket.port))));
  return { protocol, address: socket.address, program, isOurs };
}

/** The name of the process that holds a socket; only root sees the files of others. */
async function programWith(view: HostView, inode: string): Promise<string | undefined> {
  const processes = (await view.list('/proc')).filter((name) => /^\d+$/.test(name));
  for (const id of processes) {
    for (const file of await view.list(`/proc/${id}/fd`)) {
      if ((await view.link(`/proc/${id}/fd/${file}`)) === `socket:[${inode}]`) {
        return (await textOf(view, `/proc/${id}/comm`)).trim();
      }
    }
  }
  return undefined;
}

async function isPublishedByUs(view: HostView, port: number): Promise<boolean> {
  const outputs = await Promise.all(
    ['docker', 'podman'].map((engine) => view.run(engine, 'port', 'mstunnel-server')),
  );
  return outputs.some((output) => new RegExp(`:${port}$`, 'm').test(output?.stdout ?? ''));
}

export function judgePort(port: number, holders: readonly Holder[] | undefined, isRoot: boolean): Finding {
  if (holders === undefined) {
    return {
      result: 'unknown',
      found: { en: 'told only by the running kernel', ja: '稼働中のカーネルでのみ確認できます' },
      remedy: { commands: [`sudo ss -lntup 'sport = :${port}'`] },
    };
  }
  const foreign = holders.filter(({ isOurs }) => !isOurs);
  if (foreign.length === 0) {
    return holders.length === 0
      ? {
          result: 'ok',
          found: { en: `${port} is free on TCP and UDP`, ja: `${port} は TCP、UDP とも空いています` },
        }
      : {
          result: 'ok',
          found: { en: `${port} is held by the gateway`, ja: `${port} はゲートウェイが使用しています` },
        };
  }
  const list = [...new Set(foreign.map(describe))].join(', ');
  const unseen = foreign.some(({ program }) => program === undefined) && !isRoot;
  return {
    result: 'failed',
    found: {
      en: `taken: ${list}${unseen ? ' (only root sees by whom)' : ''}`,
      ja: `使用中です: ${list}${unseen ? ' (使用中のプログラムの確認には root 権限が必要です)' : ''}`,
    },
    remedy: {
      text: {
        en: 'Stop that program, or choose another port in the server configuration.',
        ja: 'そのプログラムを停止するか、サーバー構成で別のポートを指定してください。',
      },
      commands: [`sudo ss -lntup 'sport = :${port}'`],
    },
  };
}

function describe({ protocol, address, program }: Holder): string {
  return `${protocol.toUpperCase()} ${address}${program === undefined ? '' : ` ${program}`}`;
}

export function takenPortsCheck(view: HostView, port: number): Check {
  return {
    id: 'utils.port',
    title: { en: `Port ${port}`, ja: `ポート ${port}` },
    why: {
      en: 'Devices connect on it, with TCP and UDP.',
      ja: 'デバイスがこのポートに TCP と UDP で接続します。',
    },
    run: async () => judgePort(port, await holdersOf(view, port), view.isRoot),
  };
}

import { exitStatus } from '../../program/exit-status.ts';
import { Failure } from '../../program/failure.ts';
import type { Localized } from '../../program/language.ts';
import { frameWords } from '../../program/words.ts';
import { containerNetworksOf } from '../../readiness/host/bridge-networks.ts';
import { hostBelow } from '../../readiness/host/host-root.ts';
import { textOf } from '../../readiness/host/host-view.ts';
import { parseRoutes } from '../../readiness/host/parse/routes.ts';
import type { AddCommands, CliContext } from '../commands.ts';
import { engineOf } from '../engine.ts';
import { Gateway } from '../local-service/gateway.ts';
import { NotRunning } from '../local-service/local-service.ts';
import { type Fact, printFacts, printJson } from '../output.ts';
import { overlapsOf, readBridgeNetwork, type UsedNetwork } from './bridge-network.ts';
import { changeBridge } from './change-bridge.ts';
import { bridgeHost, findBridge, networkInUse, otherContainers } from './engine-bridge.ts';

interface SetOptions {
  yes?: true;
  force?: true;
}

/** `mst-cli bridge show|set` */
export const addBridge: AddCommands = ({ program }, context) => {
  const { say } = context;
  const bridge = program.command('bridge').description(
    say({
      en: 'the network between the containers and this host',
      ja: 'コンテナーとこのホストの間のネットワーク',
    }),
  );
  bridge
    .command('show')
    .description(
      say({ en: 'which network it is, and what it overlaps', ja: 'ネットワークと重複の有無を表示します' }),
    )
    .option('--json', say(frameWords.json))
    .action(({ json }: { json?: true }) => context.keep(showBridge(context, json === true)));
  bridge
    .command('set <cidr>')
    .description(
      say({
        en: 'give it another network; server and agent are stopped meanwhile',
        ja: '別のネットワークに変更します (変更中はサーバーとエージェントが停止します)',
      }),
    )
    .option('--yes', say({ en: 'do not ask', ja: '確認を省略します' }))
    .option(
      '--force',
      say({
        en: 'also when it overlaps another network, or other containers use it',
        ja: 'ほかのネットワークと重複する場合や、ほかのコンテナーが使用中の場合も変更します',
      }),
    )
    .action((cidr: string, options: SetOptions) => context.keep(setBridge(context, cidr, options)));
};

async function showBridge(context: CliContext, json: boolean): Promise<number> {
  const place = context.server();
  const engine = await engineOf(place);
  const [bridge, network] = await Promise.all([findBridge(engine), networkInUse(engine)]);
  const used = await usedNetworks(context, bridge.device);
  const overlaps = network === undefined ? [] : overlapsOf({ network, gateway: '' }, used);
  const { device, file } = bridge;
  if (json) {
    const others = overlaps.map((other) => ({ network: other.network, by: context.say(other.by) }));
    return printJson({ engine: engine.name, device, network, file, overlaps: others }, context.terminal);
  }
  const facts: Fact[] = [
    [{ en: 'Engine', ja: 'エンジン' }, engine.name],
    [{ en: 'Bridge', ja: 'ブリッジ' }, device],
    [{ en: 'Network', ja: 'ネットワーク' }, network ?? '-'],
    [{ en: 'Set in', ja: '設定ファイル' }, bridge.text === undefined ? context.say(ownDefault) : file],
    [{ en: 'Overlaps', ja: '重複' }, listOf(context, overlaps) || context.say({ en: 'nothing', ja: 'なし' })],
  ];
  printFacts(facts, context);
  return exitStatus.good;
}

const ownDefault: Localized = { en: 'nothing: the default of the engine', ja: 'なし (エンジンの既定値)' };

const listOf = ({ say }: CliContext, networks: readonly UsedNetwork[]) =>
  networks.map(({ network, by }) => `${network} (${say(by)})`).join(', ');

async function setBridge(context: CliContext, cidr: string, { yes, force }: SetOptions): Promise<number> {
  const { terminal, say } = context;
  const wanted = readBridgeNetwork(cidr);
  const place = context.server();
  const engine = await engineOf(place);
  const [bridge, before] = await Promise.all([findBridge(engine), networkInUse(engine)]);
  const after = bridge.change(wanted);
  if (before === wanted.network && after === bridge.text) {
    terminal.print(
      say({ en: `The bridge has ${before} already.`, ja: `ブリッジには ${before} が設定済みです。` }),
    );
    return exitStatus.good;
  }
  const overlaps = overlapsOf(wanted, await usedNetworks(context, bridge.device));
  if (overlaps.length > 0) complainOrRefuse(context, force, overlapText(context, wanted.network, overlaps));
  const others = await otherContainers(engine);
  if (others.length > 0) complainOrRefuse(context, force, othersText(others));
  terminal.print(
    say({
      en: `${bridge.device}: ${before ?? '-'} becomes ${wanted.network}, in ${bridge.file}. Server and agent are stopped meanwhile: tunnels end, and devices connect again.`,
      ja: `${bridge.device}: ${before ?? '-'} を ${wanted.network} に変更します (${bridge.file})。変更中はサーバーとエージェントが停止します。トンネルは切断され、デバイスは再接続します。`,
    }),
  );
  if (yes !== true && !(await isAgreed(context))) return exitStatus.failed;
  await changeBridge(
    bridgeHost(place, engine, bridge),
    { before: bridge.text, after, network: wanted.network },
    (step) => terminal.print(say(step)),
  );
  terminal.print(
    say({
      en: `The bridge has ${wanted.network} now.`,
      ja: `ブリッジのネットワークを ${wanted.network} に変更しました。`,
    }),
  );
  return exitStatus.good;
}

async function isAgreed({ terminal, say }: CliContext): Promise<boolean> {
  const answer = await terminal.ask(say({ en: 'Go on? [yes/no] ', ja: '続行しますか? [yes/no] ' }));
  if (/^(y|yes|はい)$/i.test(answer)) return true;
  terminal.print(say({ en: 'Nothing was changed.', ja: '変更していません。' }));
  return false;
}

function complainOrRefuse({ terminal, say }: CliContext, force: true | undefined, text: Localized): void {
  if (force !== true) {
    throw new Failure({
      en: `${text.en} Nothing was changed; --force does it all the same.`,
      ja: `${text.ja}変更していません。それでも変更する場合は --force を指定してください。`,
    });
  }
  terminal.complain(say(text));
}

function overlapText(context: CliContext, network: string, overlaps: readonly UsedNetwork[]): Localized {
  return {
    en: `${network} shares addresses with ${overlaps.map(({ network: other, by }) => `${other} (${by.en})`).join(', ')}; what is there could not be reached from the containers.`,
    ja: `${network} は ${listOf({ ...context, say: ({ ja }) => ja }, overlaps)} と重複しており、コンテナーから重複先に到達できなくなります。`,
  };
}

function othersText(others: readonly string[]): Localized {
  const names = others.join(', ');
  return {
    en: `Other containers run on this engine and would be cut off: ${names}.`,
    ja: `このエンジンではほかのコンテナーも実行されており、切断されます: ${names}。`,
  };
}

/** What this host routes elsewhere, the pool of the devices, and the networks of the container engines but this bridge's own. */
async function usedNetworks(context: CliContext, device: string): Promise<UsedNetwork[]> {
  const view = hostBelow('/');
  const [routes, containers, pool] = await Promise.all([
    textOf(view, '/proc/net/route'),
    containerNetworksOf(view),
    poolOf(context),
  ]);
  return [
    ...parseRoutes(routes)
      .filter((route) => route.device !== device)
      .map((route) => ({
        network: route.network,
        by: { en: `route through ${route.device}`, ja: `${route.device} 経由のルート` },
      })),
    ...containers
      .filter((other) => other.bridge !== device)
      .map(({ network, place }) => ({ network, by: { en: place, ja: place } })),
    ...pool.map((network) => ({
      network,
      by: { en: 'pool of the devices', ja: 'デバイスのアドレス プール' },
    })),
  ];
}

async function poolOf(context: CliContext): Promise<string[]> {
  try {
    return [(await new Gateway(context.server()).status()).tunnel.network];
  } catch (error) {
    if (error instanceof NotRunning) return [];
    throw error;
  }
}

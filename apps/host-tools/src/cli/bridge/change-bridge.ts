import { Failure } from '../../program/failure.ts';
import type { Localized } from '../../program/language.ts';

/** What the change of a bridge does on a host. Every step may be done twice. */
export interface BridgeHost {
  stopContainers(): Promise<void>;
  startContainers(): Promise<void>;
  stopEngine(): Promise<void>;
  /** Resolves when the engine answers; rejects when it does not come up. */
  startEngine(): Promise<void>;
  removeBridge(): Promise<void>;
  /** Writes the file of the engine; undefined takes it away. */
  write(text: string | undefined): Promise<void>;
  /** The network of the bridge, as the engine tells. */
  network(): Promise<string | undefined>;
}

export interface BridgeChange {
  before: string | undefined;
  after: string;
  /** What the engine must tell afterwards, in CIDR form. */
  network: string;
}

/**
 * Gives the bridge another network: the procedure of the prerequisites, and back to the old file when the engine does not come up with
 * the new one. Rejects with a Failure that says what holds then.
 */
export async function changeBridge(
  host: BridgeHost,
  { before, after, network }: BridgeChange,
  tell: (step: Localized) => void,
): Promise<void> {
  try {
    tell({ en: 'stopping server and agent', ja: 'サーバーとエージェントを停止しています' });
    await host.stopContainers();
    await use(host, after, tell);
    const found = await host.network();
    if (found !== network) throw notUsed(found);
  } catch (error) {
    tell({ en: 'going back to the old network', ja: '元のネットワークに戻しています' });
    throw await goBack(host, before, tell, error);
  }
  tell({ en: 'starting server and agent', ja: 'サーバーとエージェントを起動しています' });
  await host.startContainers();
}

async function use(
  host: BridgeHost,
  text: string | undefined,
  tell: (step: Localized) => void,
): Promise<void> {
  tell({
    en: 'writing the file and making the bridge anew',
    ja: 'ファイルを変更し、ブリッジを作り直しています',
  });
  await host.stopEngine();
  await host.removeBridge();
  await host.write(text);
  await host.startEngine();
}

async function goBack(
  host: BridgeHost,
  before: string | undefined,
  tell: (step: Localized) => void,
  cause: unknown,
): Promise<Failure> {
  const reason = textOf(cause);
  try {
    await use(host, before, tell);
    await host.startContainers();
  } catch (error) {
    const second = textOf(error);
    return new Failure(
      {
        en: `The network of the bridge could not be changed: ${reason.en} Going back failed too: ${second.en} The old file is in place or beside it as a backup; start the container engine and then: mst-cli server start; mst-cli agent start`,
        ja: `ブリッジのネットワークを変更できませんでした: ${reason.ja} 元に戻す処理にも失敗しました: ${second.ja} 元のファイルは復元済みか、バックアップとして同じ場所にあります。コンテナー エンジンを起動してから、mst-cli server start と mst-cli agent start を実行してください。`,
      },
      { cause: error },
    );
  }
  return new Failure(
    {
      en: `The network of the bridge could not be changed: ${reason.en} The old network is in use again, and server and agent run.`,
      ja: `ブリッジのネットワークを変更できませんでした: ${reason.ja} 元のネットワークに戻し、サーバーとエージェントを起動しました。`,
    },
    { cause },
  );
}

function notUsed(found: string | undefined): Failure {
  return new Failure({
    en: `the engine uses ${found ?? 'no network'} instead.`,
    ja: `エンジンは ${found ?? 'ネットワークなし'} を使用しています。`,
  });
}

function textOf(error: unknown): Localized {
  if (error instanceof Failure) return error.text;
  const reason = error instanceof Error ? error.message : String(error);
  return { en: reason, ja: reason };
}

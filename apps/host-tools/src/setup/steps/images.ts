import { existsSync } from 'node:fs';
import { monitoredProcesses } from '@culvert/contracts';
import type { ContainerEngine } from '../../container-engine/container-engine.ts';
import { completeVersions, imageNames, imageRegistry } from '../../container-host/images.ts';
import { readVariables } from '../../container-host/server-files.ts';
import { Failure } from '../../program/failure.ts';
import type { SetupRun, Step } from '../setup-run.ts';

/** Both images of the version, from an archive or from a registry. */
export const imagesStep: Step = {
  name: 'images',
  title: { en: 'Container images', ja: 'コンテナー イメージ' },
  isDone: async (run) => areThere(run, await run.engine()),
  carryOut: async (run) => {
    const { options, terminal, say, version } = run;
    const engine = await run.engine();
    const { images: archive } = options;
    const progress = terminal.progress(
      say(
        archive === undefined
          ? { en: 'pulling the images …', ja: 'イメージを取得しています…' }
          : { en: 'loading the images …', ja: 'イメージを読み込んでいます…' },
      ),
    );
    try {
      if (archive === undefined) await pull(run, engine);
      else await load(engine, archive, version);
    } finally {
      progress.end();
    }
    if (!(await areThere(run, engine))) throw noImages(version);
    terminal.print(
      `  ${monitoredProcesses.map((name) => `mstunnel-${name}:${version}`).join(', ')} (${engine.name})`,
    );
  },
};

async function areThere({ layout, version }: SetupRun, engine: ContainerEngine): Promise<boolean> {
  const registry = imageRegistry(readVariables(layout));
  return completeVersions(engine.name, await engine.imageNames(), registry).includes(version);
}

async function pull({ layout, version }: SetupRun, engine: ContainerEngine): Promise<void> {
  const registry = imageRegistry(readVariables(layout));
  if (registry === undefined) throw noImages(version);
  for (const name of monitoredProcesses) {
    const [image = ''] = imageNames(engine.name, name, version, registry);
    await engine.pull(image);
  }
}

async function load(engine: ContainerEngine, archive: string, version: string): Promise<void> {
  if (!existsSync(archive)) {
    throw new Failure({
      en: `${archive} does not exist. Copy the archive of the images to this server, and name it with --images.`,
      ja: `${archive} が存在しません。イメージのアーカイブをこのサーバーにコピーし、--images で指定してください。`,
    });
  }
  const loaded = await engine.load(archive);
  if (completeVersions(engine.name, loaded, undefined).includes(version)) return;
  const found = loaded.length === 0 ? '-' : loaded.join(', ');
  throw new Failure({
    en: `${archive} holds ${found}, but this is version ${version}. Use the archive of the same version.`,
    ja: `${archive} に含まれているのは ${found} ですが、このプログラムのバージョンは ${version} です。同じバージョンのアーカイブを使用してください。`,
  });
}

function noImages(version: string): Failure {
  return new Failure({
    en: `The images of version ${version} are not on this server, and no place to get them from is known. Name an archive with --images FILE, or a registry with --registry HOST[:PORT][/PATH].`,
    ja: `バージョン ${version} のイメージがこのサーバーになく、取得元も設定されていません。--images ファイル名 でアーカイブを指定するか、--registry ホスト[:ポート][/パス] でレジストリを指定してください。`,
  });
}

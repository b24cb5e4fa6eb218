import type { Check, Finding } from '../../checks/check.ts';
import { distributionOf, rowFor, usesDnf } from './distribution.ts';
import type { HostView } from './host-view.ts';
import { dockerState, type EngineState, podmanState } from './parse/engine-versions.ts';
import type { Distribution } from './parse/os-release.ts';
import { compareVersions } from './parse/version.ts';
import { oldestEngines } from './support-matrix.ts';

/** The engines of a host; one that is absent is not installed. */
export type Engines = Readonly<{ docker?: EngineState; podman?: EngineState }>;

type Name = 'docker' | 'podman';

const titles = { docker: 'Docker', podman: 'Podman' } as const;

/** Asks both engines at the same time. */
export async function enginesOf(view: HostView): Promise<Engines> {
  const [docker, podman, work] = await Promise.all([
    view.run('docker', 'version', '--format', '{{json .}}'),
    view.run('podman', 'version', '--format', 'json'),
    view.run('podman', 'ps', '--quiet'),
  ]);
  const dockerFound = docker === undefined ? undefined : dockerState(docker);
  const podmanFound = podman === undefined ? undefined : podmanState(podman, work);
  return {
    ...(dockerFound === undefined ? {} : { docker: dockerFound }),
    ...(podmanFound === undefined ? {} : { podman: podmanFound }),
  };
}

/** The best of the engines of a host for the product; the one that the matrix wants comes first. */
export function judgeEngines(engines: Engines, distribution: Distribution): Finding {
  const wanted = rowFor(distribution)?.engine ?? 'docker';
  const order: Name[] = wanted === 'docker' ? ['docker', 'podman'] : ['podman', 'docker'];
  const findings = order.flatMap((name) => {
    const state = engines[name];
    return state === undefined ? [] : [judgeEngine(name, state, distribution)];
  });
  const ranks = ['ok', 'warning', 'unknown', 'failed'] as const;
  for (const rank of ranks) {
    const finding = findings.find(({ result }) => result === rank);
    if (finding !== undefined) return finding;
  }
  return {
    result: 'failed',
    found: {
      en: 'neither Docker nor Podman is installed',
      ja: 'Docker も Podman もインストールされていません',
    },
    remedy: { commands: installEngine(distribution) },
  };
}

function judgeEngine(name: Name, { version, answers }: EngineState, distribution: Distribution): Finding {
  const title = `${titles[name]} ${version}`;
  const oldest = oldestEngines[name];
  if (compareVersions(version, oldest) < 0) {
    return {
      result: 'failed',
      found: {
        en: `${title} is too old: ${oldest} or later is needed`,
        ja: `${title} は古すぎます。${oldest} 以降が必要です`,
      },
      remedy: { commands: installEngine(distribution) },
    };
  }
  if (answers === 'yes') return judgeAnswering(name, version, distribution);
  if (answers === 'not-allowed') {
    return {
      result: 'unknown',
      found: {
        en: `${title} is installed; only root may ask whether it runs`,
        ja: `${title} はインストールされていますが、動作の確認には root 権限が必要です`,
      },
      remedy: { commands: ['sudo docker info'] },
    };
  }
  if (answers === 'too-late') {
    return {
      result: 'unknown',
      found: {
        en: `${title} is installed and has not answered within five seconds`,
        ja: `${title} はインストールされていますが、5 秒以内に応答がありませんでした`,
      },
      remedy: { commands: [`sudo ${name} info`] },
    };
  }
  return {
    result: 'failed',
    found:
      name === 'docker'
        ? {
            en: `${title} is installed, but its daemon is stopped`,
            ja: `${title} はインストールされていますが、デーモンが停止しています`,
          }
        : {
            en: `${title} is installed, but cannot list its containers`,
            ja: `${title} はインストールされていますが、コンテナーを一覧できません`,
          },
    remedy: {
      commands: name === 'docker' ? ['sudo systemctl enable --now docker'] : ['sudo podman info'],
    },
  };
}

function judgeAnswering(name: Name, version: string, distribution: Distribution): Finding {
  const row = rowFor(distribution);
  const title = `${titles[name]} ${version}`;
  if (row !== undefined && row.engine !== name) {
    return {
      result: 'warning',
      found: {
        en: `${title} answers; the original's list has ${titles[row.engine]} for this distribution`,
        ja: `${title} は動作しています。オリジナルのサポート一覧では、このディストリビューションに ${titles[row.engine]} が指定されています`,
      },
    };
  }
  const before = row?.engineVersion;
  if (before !== undefined && compareVersions(version, before) < 0) {
    return {
      result: 'warning',
      found: {
        en: `${title} answers; the original's list has ${before} for this distribution${podmanThreeNote(name, version).en}`,
        ja: `${title} は動作しています。オリジナルのサポート一覧では ${before} が指定されています${podmanThreeNote(name, version).ja}`,
      },
      remedy: { commands: [usesDnf(distribution) ? `sudo dnf upgrade ${name}` : `sudo apt install ${name}`] },
    };
  }
  return {
    result: 'ok',
    found: {
      en: `${title} answers${podmanThreeNote(name, version).en}`,
      ja: `${title} は動作しています${podmanThreeNote(name, version).ja}`,
    },
  };
}

function podmanThreeNote(name: Name, version: string): { en: string; ja: string } {
  if (name !== 'podman' || compareVersions(version, '4') >= 0) return { en: '', ja: '' };
  return {
    en: '; after a change to Podman 4 or later, its containers have to be made anew (mstunnel-setup)',
    ja: '。Podman 4 以降に更新した場合は、コンテナーを作り直す必要があります (mstunnel-setup)',
  };
}

function installEngine(distribution: Distribution): string[] {
  if (!usesDnf(distribution)) {
    const isUbuntu = distribution.id === 'ubuntu';
    return [
      // The engine's own packages are the ones that the matrix means by Docker CE.
      isUbuntu ? 'sudo apt install docker-ce' : 'sudo apt install docker.io',
      'sudo systemctl enable --now docker',
    ];
  }
  if (/^7(\.|$)/.test(distribution.versionId)) {
    return ['sudo yum install docker-ce', 'sudo systemctl enable --now docker'];
  }
  return ['sudo dnf install podman'];
}

export function containerEngineCheck(view: HostView): Check {
  return {
    id: 'utils.container-engine',
    title: { en: 'Docker or Podman', ja: 'Docker または Podman' },
    why: {
      en: 'The gateway and its agent run in containers.',
      ja: 'ゲートウェイとエージェントはコンテナーで動作します。',
    },
    run: async () => {
      const distribution = await distributionOf(view);
      if (view.isRunning) return judgeEngines(await enginesOf(view), distribution);
      const [docker, podman] = await Promise.all([
        view.exists('/usr/bin/docker'),
        view.exists('/usr/bin/podman'),
      ]);
      return docker || podman ? notRunning(docker ? 'docker' : 'podman') : judgeEngines({}, distribution);
    },
  };
}

function notRunning(name: Name): Finding {
  return {
    result: 'unknown',
    found: {
      en: `${titles[name]} is installed; its version is told only where it runs`,
      ja: `${titles[name]} はインストールされています。バージョンは稼働中のサーバーでのみ確認できます`,
    },
    remedy: { commands: [`sudo ${name} version`] },
  };
}

import { z } from 'zod';
import type { Check, Finding } from '../../checks/check.ts';
import type { HostFile, HostView } from './host-view.ts';
import { parseJson } from './parse/engine-versions.ts';

export const dockerDaemonFile = '/etc/docker/daemon.json';

/** The keys of Docker's `daemon.json` that matter here; others stay unseen. */
export const dockerDaemon = z.looseObject({
  'userns-remap': z.string().optional(),
  bip: z.string().optional(),
});

/** Judges the remapping of users by Docker. `security` is `docker info --format '{{json .SecurityOptions}}'`. */
export function judgeUserNamespaces(daemonFile: HostFile, security: string | undefined): Finding {
  const remapInFile = remapOf(daemonFile);
  if (remapInFile === 'unreadable') {
    return {
      result: 'failed',
      found: {
        en: `${dockerDaemonFile} is no JSON that Docker understands`,
        ja: `${dockerDaemonFile} が正しい JSON ではないため、Docker は起動できません`,
      },
      remedy: { commands: [`sudo dockerd --validate --config-file ${dockerDaemonFile}`] },
    };
  }
  const isRunning = /name=userns/.test(security ?? '');
  if (remapInFile !== undefined || isRunning) {
    const by = remapInFile === undefined ? 'dockerd' : `"userns-remap": "${remapInFile}"`;
    return {
      result: 'failed',
      found: {
        en: `Docker remaps the users of containers (${by})`,
        ja: `Docker がコンテナーのユーザーを再割り当てしています (${by})`,
      },
      remedy: {
        text: {
          en: `Take "userns-remap" out of ${dockerDaemonFile} (or the option out of the daemon's unit), then:`,
          ja: `${dockerDaemonFile} から "userns-remap" を削除し (またはデーモンのユニットからオプションを削除し)、次を実行してください。`,
        },
        commands: ['sudo systemctl restart docker'],
      },
    };
  }
  if (daemonFile.missing === 'denied') {
    return {
      result: 'unknown',
      found: {
        en: `only root may read ${dockerDaemonFile}`,
        ja: `${dockerDaemonFile} の確認には root 権限が必要です`,
      },
    };
  }
  return { result: 'ok', found: { en: 'not used', ja: '使用していません' } };
}

function remapOf(file: HostFile): string | 'unreadable' | undefined {
  if (file.text === undefined || file.text.trim() === '') return undefined;
  const parsed = dockerDaemon.safeParse(parseJson(file.text));
  if (!parsed.success) return 'unreadable';
  return parsed.data['userns-remap'] || undefined;
}

export function userNamespacesCheck(view: HostView): Check {
  return {
    id: 'utils.user-namespace-remap',
    title: { en: 'User namespaces of Docker', ja: 'Docker のユーザー名前空間' },
    why: {
      en: 'With remapped users the containers can read neither the certificate nor their settings.',
      ja: 'ユーザーが再割り当てされていると、コンテナーは証明書も設定も読み取れません。',
    },
    run: async () => {
      const [file, info] = await Promise.all([
        view.read(dockerDaemonFile),
        view.run('docker', 'info', '--format', '{{json .SecurityOptions}}'),
      ]);
      return judgeUserNamespaces(file, info?.stdout);
    },
  };
}

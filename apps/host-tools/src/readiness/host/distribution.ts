import type { Check, Finding } from '../../checks/check.ts';
import { type HostView, textOf } from './host-view.ts';
import { type Distribution, nameless, parseOsRelease } from './parse/os-release.ts';
import { compareVersions } from './parse/version.ts';
import { editions, type SupportRow, supportMatrix } from './support-matrix.ts';

const newestEdition = editions.at(-1);

/** The distribution of a host. CentOS 7 tells its minor version in a file of its own. */
export async function distributionOf(view: HostView): Promise<Distribution> {
  const etc = await textOf(view, '/etc/os-release');
  const distribution = parseOsRelease(etc === '' ? await textOf(view, '/usr/lib/os-release') : etc);
  if (distribution.id !== 'centos' || distribution.versionId.includes('.')) return distribution;
  const minor = /release (\d+\.\d+)/.exec(await textOf(view, '/etc/centos-release'))?.[1];
  return minor === undefined ? distribution : { ...distribution, versionId: minor };
}

/** True when packages come by dnf. */
export function usesDnf({ id, idLike }: Distribution): boolean {
  return [id, ...idLike].some((name) => name === 'rhel' || name === 'fedora' || name === 'centos');
}

/** The command that installs packages: names of the Red Hat family, names of the Debian family. */
export function installCommand(distribution: Distribution, dnf: string, apt: string): string {
  if (!usesDnf(distribution)) return `sudo apt install ${apt}`;
  // RHEL and CentOS 7 have no dnf.
  return /^7(\.|$)/.test(distribution.versionId) ? `sudo yum install ${dnf}` : `sudo dnf install ${dnf}`;
}

/** The row of the matrix for a distribution, or undefined when no edition has one. */
export function rowFor({ id, versionId }: Distribution): SupportRow | undefined {
  return supportMatrix.find(
    (row) =>
      row.distribution === id &&
      compareVersions(row.from, versionId) <= 0 &&
      compareVersions(versionId, row.to) <= 0,
  );
}

/** Judges the distribution by the matrix at a date. */
export function judgeDistribution(distribution: Distribution, now: Date): Finding {
  const { prettyName, versionId, id } = distribution;
  if (id === nameless) return unnamed;
  const row = rowFor(distribution);
  if (row === undefined) return notListed(distribution);
  const name = `${prettyName}${prettyName.includes(versionId) ? '' : ` (${versionId})`}`;
  const { supportEnd } = row;
  if (supportEnd !== undefined && isPast(supportEnd, now)) {
    return {
      result: 'failed',
      found: {
        en: `${name}: its support ended in ${supportEnd}`,
        ja: `${name}: サポートは ${supportEnd} に終了しています`,
      },
      remedy: upgradeRemedy(id, versionId),
    };
  }
  if (newestEdition !== undefined && !row.editions.includes(newestEdition)) {
    const last = row.editions.at(-1) ?? '';
    return {
      result: 'warning',
      found: {
        en: `${name}: works here; the original's list has had it only until its edition of ${last}`,
        ja: `${name}: 動作しますが、オリジナルのサポート一覧に掲載されていたのは ${last} 版までです`,
      },
      remedy: upgradeRemedy(id, versionId),
    };
  }
  return {
    result: 'ok',
    found: {
      en: `${name}, listed with ${engineOf(row)}${noteOf(row).en}`,
      ja: `${name} (対応するコンテナー エンジン: ${engineOf(row)})${noteOf(row).ja}`,
    },
  };
}

const unnamed: Finding = {
  result: 'unknown',
  found: {
    en: 'no os-release file says which it is',
    ja: 'os-release ファイルがないため、判別できません',
  },
  remedy: { commands: ['cat /etc/os-release'] },
};

function notListed({ prettyName, id }: Distribution): Finding {
  const isKnown = supportMatrix.some(({ distribution }) => distribution === id);
  return {
    result: 'warning',
    found: isKnown
      ? {
          en: `${prettyName}: works here; this version is not in the original's list`,
          ja: `${prettyName}: 動作しますが、このバージョンはオリジナルのサポート一覧にありません`,
        }
      : {
          en: `${prettyName}: works here; this distribution is not in the original's list`,
          ja: `${prettyName}: 動作しますが、このディストリビューションはオリジナルのサポート一覧にありません`,
        },
    remedy: {
      text: {
        en: 'Nothing to do for this product. Where only listed versions are allowed: RHEL 8.10, 9.5 or later, 10, or Ubuntu 24.04, 26.04.',
        ja: '本製品では対処は不要です。一覧にあるバージョンに限る場合は、RHEL 8.10、9.5 以降、10、または Ubuntu 24.04、26.04 を使用してください。',
      },
      commands: [],
    },
  };
}

/** The last day of a month belongs to it. */
function isPast(month: string, now: Date): boolean {
  return now.toISOString().slice(0, 7) > month;
}

function engineOf({ engine, engineVersion }: SupportRow): string {
  const name = engine === 'docker' ? 'Docker CE' : 'Podman';
  return engineVersion === undefined ? name : `${name} ${engineVersion}`;
}

function noteOf({ distribution, from }: SupportRow): { en: string; ja: string } {
  if (distribution !== 'rhel' || from.startsWith('7')) return { en: '', ja: '' };
  return {
    en: '; it does not load ip_tables by itself, and containers made with Podman 3 have to be made anew after a change to Podman 4',
    ja: '。ip_tables は自動では読み込まれません。Podman 3 で作成したコンテナーは、Podman 4 への更新後に作り直す必要があります',
  };
}

function upgradeRemedy(id: string, versionId: string): NonNullable<Finding['remedy']> {
  const major = versionId.split('.')[0] ?? '';
  if (id === 'rhel' && major !== '7') {
    return {
      text: {
        en: `Update to the newest RHEL ${major} that is listed.`,
        ja: `一覧にある最新の RHEL ${major} に更新してください。`,
      },
      commands: ['sudo dnf upgrade', 'sudo reboot'],
    };
  }
  if (id === 'ubuntu') {
    return {
      text: { en: 'Move to Ubuntu 24.04 or later.', ja: 'Ubuntu 24.04 以降に移行してください。' },
      commands: ['sudo do-release-upgrade'],
    };
  }
  return {
    text: {
      en: 'Set up a new server with RHEL 8.10, 9.5 or later, or Ubuntu 24.04 or later.',
      ja: 'RHEL 8.10、9.5 以降、または Ubuntu 24.04 以降で新しいサーバーを用意してください。',
    },
    commands: [],
  };
}

export function distributionCheck(view: HostView, now: Date): Check {
  return {
    id: 'utils.distribution',
    title: { en: 'Linux distribution', ja: 'Linux ディストリビューション' },
    why: {
      en: 'A version without support gets no security updates, and this server faces the internet.',
      ja: 'サポートが終了したバージョンにはセキュリティ更新が提供されません。このサーバーはインターネットに公開されます。',
    },
    run: async () => judgeDistribution(await distributionOf(view), now),
  };
}

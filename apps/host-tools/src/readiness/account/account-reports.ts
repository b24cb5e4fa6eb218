import type { CheckReport, Finding } from '../../checks/check.ts';
import { runChecks } from '../../checks/run-checks.ts';
import type { Registration } from './registration.ts';

/** Sites that are named in one line. */
const mostNamed = 10;

/** What an account may do about servers, as checks. */
export function accountReports(registration: Registration): Promise<CheckReport[]> {
  return runChecks([
    {
      id: 'account.permissions',
      title: { en: 'Permissions', ja: 'アクセス許可' },
      why: {
        en: 'Only accounts with these permissions can register servers.',
        ja: 'サーバーを登録できるのは、必要なアクセス許可を持つアカウントだけです。',
      },
      run: async () => judgePermissions(registration),
    },
    {
      id: 'account.sites',
      title: { en: 'Sites', ja: 'サイト' },
      why: { en: 'A server is registered in a site.', ja: 'サーバーは、いずれかのサイトに登録します。' },
      run: async () => judgeSites(registration),
    },
  ]);
}

export function judgePermissions({ missingPermissions }: Registration): Finding {
  if (missingPermissions.length === 0) {
    return {
      result: 'ok',
      found: { en: 'this account may register servers', ja: 'このアカウントはサーバーを登録できます' },
    };
  }
  const names = missingPermissions.map(({ name }) => `"${name}"`).join(', ');
  return {
    result: 'failed',
    found: { en: `missing: ${names}`, ja: `不足しています: ${names}` },
    remedy: {
      text: {
        en: 'ask an administrator for a role that has it (admin centre, Roles)',
        ja: 'このアクセス許可を含むロールの割り当てを管理者に依頼してください (管理センターの [ロール])',
      },
      commands: [],
    },
  };
}

export function judgeSites({ sites, missingPermissions }: Registration): Finding {
  const allowed = sites.filter(({ mayRegister }) => mayRegister);
  if (allowed.length > 0) {
    const rest = allowed.length > mostNamed ? ', …' : '';
    const names = allowed
      .slice(0, mostNamed)
      .map(({ displayName, publicAddress }) => `${displayName} (${publicAddress})`)
      .join(', ');
    return {
      result: 'ok',
      found: {
        en: `may register in ${allowed.length}: ${names}${rest}`,
        ja: `登録できるサイト ${allowed.length} 件: ${names}${rest}`,
      },
    };
  }
  if (sites.length === 0 && missingPermissions.length === 0) {
    return {
      result: 'warning',
      found: {
        en: 'there is none that this account can see',
        ja: 'このアカウントから見えるサイトがありません',
      },
      remedy: {
        text: {
          en: 'create a site in the admin centre first, or ask for a role whose scope tags reach one',
          ja: '先に管理センターでサイトを作成するか、スコープ タグがサイトに及ぶロールを依頼してください',
        },
        commands: [],
      },
    };
  }
  return {
    result: 'failed',
    found: { en: 'this account may register in none', ja: '登録できるサイトがありません' },
    remedy: {
      text: {
        en: 'ask an administrator for a role whose scope tags reach the site',
        ja: 'スコープ タグがサイトに及ぶロールの割り当てを管理者に依頼してください',
      },
      commands: [],
    },
  };
}

/** What `agent join` says to the person who runs it. */
export interface JoinWords {
  signIn(address: string, code: string): string;
  joined(name: string, site: string): string;
  sites: string;
  nameSite: string;
  noSites: string;
}

const english: JoinWords = {
  signIn: (address, code) =>
    `Sign in as an administrator to let this server join.\n\n  Open   ${address}\n  Code   ${code}\n\nWaiting until you have signed in …`,
  joined: (name, site) => `This server has joined as ${name} (site ${site}). Its agent uses it from now on.`,
  sites: 'Sites:',
  nameSite: 'Run this again with --site ID.',
  noSites: 'There is no site that you can see. Make one in the admin centre first.',
};

const japanese: JoinWords = {
  signIn: (address, code) =>
    `このサーバーを参加させるには、管理者としてサインインしてください。\n\n  アドレス   ${address}\n  コード     ${code}\n\nサインインを待っています…`,
  joined: (name, site) =>
    `このサーバーは ${name} として参加しました (サイト ${site})。エージェントは今からこれを使います。`,
  sites: 'サイト:',
  nameSite: '--site ID を付けて、もう一度実行してください。',
  noSites: '表示できるサイトがありません。先に管理センターで作成してください。',
};

/** The words of the language of a terminal (`LC_ALL`, `LC_MESSAGES`, `LANG`; POSIX.1-2024 §8.2). */
export function joinWords({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): JoinWords {
  const locale = LC_ALL || LC_MESSAGES || LANG || '';
  return locale.startsWith('ja') ? japanese : english;
}

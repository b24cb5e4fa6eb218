/** What `agent join` says to the person who runs it. */
export interface JoinWords {
  signIn(address: string, code: string): string;
  joined(name: string, site: string): string;
  sites: string;
  nameSite: string;
  noSites: string;
  prepared(file: string, publicAddress: string): string;
  kept(file: string): string;
  left(name: string): string;
}

const english: JoinWords = {
  signIn: (address, code) =>
    `Sign in as an administrator to let this server join.\n\n  Open   ${address}\n  Code   ${code}\n\nWaiting until you have signed in …`,
  joined: (name, site) => `This server has joined as ${name} (site ${site}). Its agent uses it from now on.`,
  sites: 'Sites:',
  nameSite: 'Run this again with --site ID.',
  noSites: 'There is no site that you can see. Make one in the admin centre first.',
  prepared: (file, publicAddress) => `The configuration of the site ${publicAddress} is in ${file}.`,
  kept: (file) => `${file} is there already and stays as it is.`,
  left: (name) => `The record of ${name} was removed from the control plane.`,
};

const japanese: JoinWords = {
  signIn: (address, code) =>
    `このサーバーを参加させるには、管理者としてサインインしてください。\n\n  アドレス   ${address}\n  コード     ${code}\n\nサインインを待っています…`,
  joined: (name, site) =>
    `このサーバーは ${name} として参加しました (サイト ${site})。エージェントは今からこれを使います。`,
  sites: 'サイト:',
  nameSite: '--site ID を付けて、もう一度実行してください。',
  noSites: '表示できるサイトがありません。先に管理センターで作成してください。',
  prepared: (file, publicAddress) => `サイト ${publicAddress} の構成を ${file} に保存しました。`,
  kept: (file) => `${file} は既に存在するため、変更していません。`,
  left: (name) => `${name} のレコードをコントロール プレーンから削除しました。`,
};

/** The words of the language of a terminal (`LC_ALL`, `LC_MESSAGES`, `LANG`; POSIX.1-2024 §8.2). */
export function joinWords({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): JoinWords {
  const locale = LC_ALL || LC_MESSAGES || LANG || '';
  return locale.startsWith('ja') ? japanese : english;
}

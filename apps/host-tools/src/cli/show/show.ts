import type { Command } from 'commander';
import type { Localized } from '../../program/language.ts';
import { frameWords } from '../../program/words.ts';
import type { AddCommands, CliContext } from '../commands.ts';
import { showBanPoints, showBans, showRoutesOfDevices } from './addresses.ts';
import { showEvents } from './events.ts';
import { showCookies, showSession, showSessions, showUser, showUsers } from './sessions.ts';
import { showStatus } from './status.ts';

/** How one thing is shown; resolves to the exit status. */
export type Show = (context: CliContext, options: { json: boolean }, word: string) => Promise<number>;

/** `mst-cli server show …` */
export const addShow: AddCommands = ({ server }, context) => {
  const { say } = context;
  const add = (parent: Command, name: string, description: Localized, show: Show) => {
    parent
      .command(name)
      .description(say(description))
      .option('--json', say(frameWords.json))
      .action((...words: unknown[]) => {
        const [first] = words;
        const word = typeof first === 'string' ? first : '';
        // Commander gives the arguments, then the options, then the command.
        const { json } = words.at(-2) as { json?: true };
        return context.keep(show(context, { json: json === true }, word));
      });
  };
  const group = (parent: Command, name: string, description: Localized) =>
    parent.command(name).description(say(description));

  const all = group(server, 'show', {
    en: 'show who is connected and how the server does',
    ja: '接続中のユーザーやサーバーの状況を表示します',
  });
  add(all, 'status', { en: 'how the server does', ja: 'サーバーの状態と統計' }, showStatus);
  add(all, 'users', { en: 'connected devices', ja: '接続中のデバイス' }, showUsers);
  add(all, 'user <name>', { en: 'sessions of one user', ja: '1 人のユーザーのセッション' }, showUser);
  add(all, 'id <id>', { en: 'one connection', ja: '1 つの接続' }, showSession);
  const sessions = group(all, 'sessions', { en: 'sessions', ja: 'セッションの一覧' });
  add(sessions, 'all', { en: 'every session', ja: 'すべてのセッション' }, showSessions('all'));
  add(
    sessions,
    'valid',
    { en: 'sessions whose device may connect again', ja: '再接続が可能なセッション' },
    showSessions('valid'),
  );
  add(all, 'session <sid>', { en: 'one session', ja: '1 つのセッション' }, showSession);
  add(
    all,
    'events',
    { en: 'who comes and goes, until Ctrl-C', ja: '接続や切断の状況 (Ctrl-C で終了)' },
    showEvents,
  );
  const ip = group(all, 'ip', { en: 'addresses that guess', ja: 'サインインに失敗しているアドレス' });
  add(ip, 'bans', { en: 'addresses that are banned', ja: '禁止中のアドレス' }, showBans);
  const ban = group(ip, 'ban', { en: 'what leads to a ban', ja: '禁止の判定に使われる値' });
  add(
    ban,
    'points',
    { en: 'addresses with failed sign-ins', ja: 'サインインの失敗があるアドレス' },
    showBanPoints,
  );
  add(
    all,
    'iroutes',
    { en: 'networks that devices offer', ja: 'デバイスが提供するネットワーク' },
    showRoutesOfDevices,
  );
  const cookies = group(all, 'cookies', { en: 'the same as sessions', ja: 'sessions と同じ内容' });
  add(cookies, 'all', { en: 'every session', ja: 'すべてのセッション' }, showCookies('all'));
  add(
    cookies,
    'valid',
    { en: 'sessions whose device may connect again', ja: '再接続が可能なセッション' },
    showCookies('valid'),
  );
};

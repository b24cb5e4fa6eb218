import { type Command, Option } from 'commander';
import { exitStatus } from '../../program/exit-status.ts';
import { Failure } from '../../program/failure.ts';
import type { AddCommands, CliContext } from '../commands.ts';
import { Gateway } from '../local-service/gateway.ts';
import { sessionOf } from './session-ids.ts';

interface DisconnectOptions {
  session?: string;
  user?: string;
  message?: string;
}

/** `mst-cli server disconnect` */
export const addDisconnect: AddCommands = ({ server }, context) => {
  const { say } = context;
  server
    .command('disconnect')
    .description(
      say({
        en: 'end a session or all sessions of a user; their devices have to sign in again',
        ja: 'セッション、またはユーザーの全セッションを終了します (デバイスは再サインインが必要です)',
      }),
    )
    .addOption(
      new Option(
        '--session <id>',
        say({ en: 'the session, or the beginning of its id', ja: 'セッション ID (先頭の一部でも可)' }),
      ).conflicts('user'),
    )
    .option('--user <name>', say({ en: 'all sessions of this user', ja: 'このユーザーの全セッション' }))
    .option('--message <text>', say({ en: 'what the client shows', ja: 'クライアントに表示するメッセージ' }))
    .action((options: DisconnectOptions, command: Command) => {
      if (options.session === undefined && options.user === undefined) {
        command.error('error: either --session ID or --user NAME is needed');
      }
      return context.keep(disconnect(context, options));
    });
};

async function disconnect(
  context: CliContext,
  { session, user, message }: DisconnectOptions,
): Promise<number> {
  const gateway = new Gateway(context.server());
  const id = session === undefined ? undefined : sessionOf(await gateway.sessions(), session).id;
  const count = await gateway.disconnect({
    ...(id === undefined ? {} : { session: id }),
    ...(user === undefined ? {} : { user }),
    ...(message === undefined ? {} : { message }),
  });
  if (count === 0) {
    throw new Failure(
      user === undefined
        ? { en: `The session ${session} has just ended.`, ja: `セッション ${session} は終了済みです。` }
        : { en: `${user} has no session.`, ja: `${user} のセッションはありません。` },
    );
  }
  context.terminal.print(
    context.say({
      en: `Ended ${count} ${count === 1 ? 'session' : 'sessions'}.`,
      ja: `${count} 件のセッションを終了しました。`,
    }),
  );
  return exitStatus.good;
}

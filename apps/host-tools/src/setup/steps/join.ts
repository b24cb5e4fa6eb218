import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJoinToken } from '@culvert/contracts';
import { proxyFor } from '@culvert/control-plane-client/proxy.ts';
import { signIn } from '@culvert/control-plane-client/sign-in.ts';
import { listSites } from '@culvert/control-plane-client/sites.ts';
import { webFetch } from '@culvert/control-plane-client/web.ts';
import { runAgent } from '../../agent-image/run-agent.ts';
import { readVariables } from '../../container-host/server-files.ts';
import { readSharedFile, writeSharedFile } from '../../host-layout/shared-file.ts';
import { Failure } from '../../program/failure.ts';
import { nobodyToAsk } from '../ask.ts';
import { chooseSite } from '../choose-site.ts';
import { requireAccount, type SetupRun, type Step } from '../setup-run.ts';

/** The membership of this server: its record at the control plane, and the certificate of its agent. */
export const joinStep: Step = {
  name: 'join',
  title: { en: 'Joining the control plane', ja: 'コントロール プレーンへの参加' },
  isDone: async ({ layout }) => readSharedFile(join(layout.directory, 'agent', 'agent.json')) !== undefined,
  carryOut: async (run) => {
    const { options, terminal } = run;
    const token = joinTokenOf(
      run,
      options.joinToken === '-' ? await terminal.readInput() : options.joinToken,
    );
    if (token === undefined) return joinAsAdministrator(run);
    if (parseJoinToken(token) === undefined) {
      throw new Failure({
        en: 'This is no join token, or a part of it is missing. Copy all of it, from "culvert-join-" to its end.',
        ja: '参加トークンではないか、一部が欠けています。"culvert-join-" から末尾まで、すべてコピーしてください。',
      });
    }
    await tell(run, ['join', '--join-token', '-'], token);
  },
};

function joinTokenOf({ options: { joinTokenFile } }: SetupRun, word: string | undefined): string | undefined {
  if (joinTokenFile === undefined) return word?.trim();
  return readNamed(joinTokenFile).trim();
}

async function joinAsAdministrator(run: SetupRun): Promise<void> {
  const { options, terminal, say, layout } = run;
  if (options.isUnattended) {
    throw nobodyToAsk({
      en: 'a join token is needed: make one in the admin centre, and give it with --join-token-file or --join-token',
      ja: '参加トークンが必要です。管理センターで作成し、--join-token-file または --join-token で指定してください',
    });
  }
  const address = await controlPlaneAddress(run);
  const authority = options.authorityFile === undefined ? undefined : readNamed(options.authorityFile);
  const proxy = proxyFor(new URL(address), undefined, Object.fromEntries(readVariables(layout)));
  const fetch = webFetch(authority, proxy);
  const accessToken = await inWords(() =>
    signIn(address, fetch, (place, code) => {
      terminal.print(
        say({
          en: `  Sign in as an administrator, on this or another computer:\n\n    Open   ${place}\n    Code   ${code}\n\n  Waiting until you have signed in …`,
          ja: `  このコンピューターまたは別のコンピューターで、管理者としてサインインしてください。\n\n    アドレス   ${place}\n    コード     ${code}\n\n  サインインを待っています…`,
        }),
      );
    }),
  );
  const site = await chooseSite(
    run,
    await inWords(() => listSites(address, fetch, accessToken)),
    options.site,
  );
  const trust = authority === undefined ? [] : ['--authority-file', await keepAuthority(run, authority)];
  const words = ['join', '--control-plane', address, ...trust, '--site', site.id, '--access-token', '-'];
  await tell(run, words, accessToken);
}

async function controlPlaneAddress({ options, terminal, say }: SetupRun): Promise<string> {
  let text = options.controlPlane;
  for (;;) {
    text ??= await terminal.ask(
      say({
        en: 'Address of the control plane, such as https://control.example.com: ',
        ja: 'コントロール プレーンのアドレス (例: https://control.example.com): ',
      }),
    );
    const url = URL.parse(text);
    if (url?.protocol === 'https:' && url.username === '') return url.href.replace(/\/+$/, '');
    const complaint = {
      en: `"${text}" is no address of a control plane: it begins with https://.`,
      ja: `"${text}" はコントロール プレーンのアドレスではありません。https:// で始まるアドレスを指定してください。`,
    };
    if (options.controlPlane !== undefined) throw new Failure(complaint);
    terminal.complain(say(complaint));
    text = undefined;
  }
}

/** Both containers trust what is in this directory, and so does the agent when it joins again. */
async function keepAuthority(run: SetupRun, authority: string): Promise<string> {
  const file = join(run.layout.authorities, 'control-plane.crt');
  writeSharedFile(file, authority, 0o640, (await requireAccount(run)).groupId);
  return file;
}

async function tell(run: SetupRun, words: readonly string[], secret: string): Promise<void> {
  const { layout, version, language, terminal, say } = run;
  const progress = terminal.progress(say({ en: 'joining …', ja: '参加しています…' }));
  try {
    const place = {
      engine: await run.engine(),
      layout,
      account: await requireAccount(run),
      version,
      language,
    };
    terminal.print(`  ${await runAgent(place, words, secret)}`);
  } finally {
    progress.end();
  }
}

/** What goes wrong on the way to the control plane is told in its own words. */
async function inWords<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      {
        en: `The server has not joined: ${reason}. Run mstunnel-setup again to go on here.`,
        ja: `サーバーは参加していません: ${reason}。mstunnel-setup をもう一度実行すると、ここから再開します。`,
      },
      { cause: error },
    );
  }
}

function readNamed(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { message } = error as NodeJS.ErrnoException;
    throw new Failure(
      { en: `${file} cannot be read: ${message}`, ja: `${file} を読み取れません: ${message}` },
      { cause: error },
    );
  }
}

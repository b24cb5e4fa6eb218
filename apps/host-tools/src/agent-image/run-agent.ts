import { hostname } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { isRootless } from '../container-engine/choose-engine.ts';
import type { ContainerEngine } from '../container-engine/container-engine.ts';
import { imageNames, imageRegistry } from '../container-host/images.ts';
import { readVariables } from '../container-host/server-files.ts';
import type { HostLayout } from '../host-layout/host-layout.ts';
import { Failure } from '../program/failure.ts';
import type { Language } from '../program/language.ts';

/** The image of the agent, and as whom it runs. */
export interface AgentPlace {
  engine: ContainerEngine;
  layout: HostLayout;
  account: { userId: number; groupId: number };
  version: string;
  language: Language;
}

/** Where the image has the agent: deploy/containers/agent/Containerfile. */
const program = { node: '/opt/culvert/bin/node', agent: '/opt/culvert/agent.mjs' };

/**
 * Runs a command of the agent in a container that is gone afterwards, as the service account: its key never leaves the agent's
 * directory. A secret goes to its standard input. Resolves to what it printed; rejects with a Failure with what it complained about.
 */
export async function runAgent(place: AgentPlace, words: readonly string[], secret = ''): Promise<string> {
  const { engine, layout } = place;
  const { status, stdout, stderr } = await engine.runOnce(
    [...(await options(place)), program.agent, ...words, '--directory', layout.directory],
    secret,
  );
  if (status === 0) return plain(stdout);
  const reason = plain(stderr === '' ? stdout : stderr) || `status ${status}`;
  throw new Failure({
    en: `The agent says: ${reason}`,
    ja: `エージェントからのメッセージ: ${reason}`,
  });
}

async function options({ engine, layout, account, version, language }: AgentPlace): Promise<string[]> {
  const variables = readVariables(layout);
  const { directory } = layout;
  return [
    ...['--hostname', hostname(), '--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges', '--user', `${account.userId}:${account.groupId}`],
    ...(isRootless(variables) ? ['--userns', 'keep-id'] : []),
    ...['--volume', `${directory}:${directory}:z`],
    ...[...variables].flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...['--env', `LANG=${language === 'ja' ? 'ja_JP.UTF-8' : 'C.UTF-8'}`],
    ...['--entrypoint', program.node, await findImage(engine, version, variables)],
  ];
}

async function findImage(
  engine: ContainerEngine,
  version: string,
  variables: ReadonlyMap<string, string>,
): Promise<string> {
  for (const name of imageNames(engine.name, 'agent', version, imageRegistry(variables)))
    if ((await engine.inspectImage(name)) !== undefined) return name;
  throw new Failure({
    en: `The image mstunnel-agent:${version} is not on this server. Run mstunnel-setup.`,
    ja: `イメージ mstunnel-agent:${version} がこのサーバーにありません。mstunnel-setup を実行してください。`,
  });
}

function plain(text: string): string {
  return stripVTControlCharacters(text).trim();
}

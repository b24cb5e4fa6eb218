import { exitStatus } from '../program/exit-status.ts';
import { Failure } from '../program/failure.ts';
import { publicAddressIn } from '../site-certificate/prepare.ts';
import { remainingSteps, type SetupFacts, type StepName, stepNames } from './setup-facts.ts';
import type { SetupRun, Step } from './setup-run.ts';
import { certificateStep } from './steps/certificate.ts';
import { configurationStep } from './steps/configuration.ts';
import { healthStep } from './steps/health.ts';
import { hostStep } from './steps/host.ts';
import { imagesStep } from './steps/images.ts';
import { joinStep } from './steps/join.ts';
import { licenceStep } from './steps/licence.ts';
import { monitorStep } from './steps/monitor.ts';
import { programsStep } from './steps/programs.ts';
import { settingsStep } from './steps/settings.ts';

export const steps: Readonly<Record<StepName, Step>> = {
  programs: programsStep,
  host: hostStep,
  licence: licenceStep,
  settings: settingsStep,
  certificate: certificateStep,
  images: imagesStep,
  join: joinStep,
  configuration: configurationStep,
  monitor: monitorStep,
  health: healthStep,
};

/** Does what is left of an installation. Rejects with a Failure at the first step that does not succeed; run again, it goes on there. */
export async function runSetup(run: SetupRun, all = steps): Promise<number> {
  const { terminal, say } = run;
  // Without an engine nothing of the rest makes sense, so nothing is changed either.
  await run.engine();
  let before: StepName | undefined;
  let hasChanged = false;
  for (;;) {
    const next = await firstRemaining(run, all);
    if (next === undefined) break;
    if (next === before) throw new Error(`the step ${next} was carried out and is not done`);
    before = next;
    hasChanged = true;
    const { title, carryOut } = all[next];
    const place = `[${stepNames.indexOf(next) + 1}/${stepNames.length}]`;
    terminal.print(terminal.paint('bold', `${place} ${say(title)}`));
    await carryOut(run);
  }
  const address = publicAddressIn(run.layout.gatewayFile) ?? '';
  terminal.print(say(hasChanged ? done(address) : words.nothing));
  return exitStatus.good;
}

/** The first step that is not done; what comes after it is not looked at, as it may need what that step makes. */
async function firstRemaining(run: SetupRun, all: typeof steps): Promise<StepName | undefined> {
  const facts: Partial<Record<StepName, boolean>> = {};
  for (const name of stepNames) {
    facts[name] = await all[name].isDone(run);
    if (facts[name] === false) break;
  }
  const known: SetupFacts = { ...allDone, ...facts };
  return remainingSteps(known)[0];
}

const allDone = Object.fromEntries(stepNames.map((name) => [name, true])) as SetupFacts;

const words = {
  nothing: {
    en: 'This server is set up, and well. Nothing was changed.',
    ja: 'このサーバーは設定済みで、正常に動作しています。変更はありません。',
  },
};

function done(address: string) {
  return {
    en: `This server is set up, and well. Devices connect to ${address}.
Users: mst-cli server passwd NAME   State: mst-cli server status   Everything else: mst-cli --help`,
    ja: `このサーバーの設定が完了し、正常に動作しています。デバイスの接続先は ${address} です。
ユーザーの追加: mst-cli server passwd 名前   状態の確認: mst-cli server status   その他: mst-cli --help`,
  };
}

/** Refuses everybody but root, before anything else. */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new Failure({
    en: 'This changes the system and needs root. Run it with sudo.',
    ja: 'システムを変更するため、root 権限が必要です。sudo を付けて実行してください。',
  });
}

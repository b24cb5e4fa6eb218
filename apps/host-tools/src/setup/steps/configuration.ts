import { runAgent } from '../../agent-image/run-agent.ts';
import { readSharedFile } from '../../host-layout/shared-file.ts';
import { requireAccount, type Step } from '../setup-run.ts';

/** The configuration of the site, fetched before the first start so that this has the right port and pool at once. */
export const configurationStep: Step = {
  name: 'configuration',
  title: { en: 'Server configuration', ja: 'サーバー構成' },
  isDone: async ({ layout }) => readSharedFile(layout.gatewayFile) !== undefined,
  carryOut: async (run) => {
    const { layout, version, language, terminal } = run;
    const place = {
      engine: await run.engine(),
      layout,
      account: await requireAccount(run),
      version,
      language,
    };
    terminal.print(`  ${await runAgent(place, ['prepare'])}`);
  },
};

import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../program/failure.ts';
import { serverTroubles } from '../server-health.ts';
import type { Step } from '../setup-run.ts';

/** Containers are created, and their health is asked after every ten seconds. */
const patience = { whole: 180_000, between: 500 };

/** Both containers are well, and the control plane has heard of this server. */
export const healthStep: Step = {
  name: 'health',
  title: { en: 'Waiting until the server is well', ja: 'サーバーが正常になるまで待機' },
  isDone: async ({ layout }) => (await serverTroubles(layout)).length === 0,
  carryOut: async ({ layout, terminal, say }) => {
    const end = Date.now() + patience.whole;
    const progress = terminal.progress('…');
    try {
      for (;;) {
        const troubles = await serverTroubles(layout);
        if (troubles.length === 0) return;
        progress.update(troubles.map(say).join('; '));
        if (Date.now() > end) {
          throw new Failure({
            en: `The server was set up, but is not well after ${patience.whole / 60_000} minutes: ${troubles.map(({ en }) => en).join('; ')}.`,
            ja: `サーバーの設定は完了しましたが、${patience.whole / 60_000} 分経過しても正常になりません: ${troubles.map(({ ja }) => ja).join('、')}。`,
          });
        }
        await sleep(patience.between);
      }
    } finally {
      progress.end();
    }
  },
};

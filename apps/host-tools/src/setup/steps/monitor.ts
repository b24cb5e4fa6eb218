import { isMonitorInstalled, startMonitor } from '../../monitor-service/monitor-service.ts';
import type { Step } from '../setup-run.ts';

/** The monitor, which then makes and starts the containers. */
export const monitorStep: Step = {
  name: 'monitor',
  title: { en: 'Monitor', ja: 'モニター' },
  isDone: ({ layout }) => isMonitorInstalled(layout),
  carryOut: async ({ layout, terminal, say }) => {
    const kind = await startMonitor(layout);
    terminal.print(
      say(
        kind === 'service'
          ? {
              en: '  The service mstunnel_monitor runs, now and after every boot.',
              ja: '  サービス mstunnel_monitor を開始しました。次回以降の起動時にも自動的に開始されます。',
            }
          : {
              en: '  The monitor runs in the background. This host has no systemd: have "mstunnel_monitor run" started at boot.',
              ja: '  モニターをバックグラウンドで開始しました。このホストでは systemd が使用されていないため、起動時に mstunnel_monitor run が実行されるよう設定してください。',
            },
      ),
    );
  },
};

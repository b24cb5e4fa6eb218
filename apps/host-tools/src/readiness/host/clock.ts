import type { Check, Finding } from '../../checks/check.ts';
import type { HostView } from './host-view.ts';
import { serviceStateOf } from './services.ts';

/** What is known of the clock; seconds of `offset` are absolute. */
export type ClockState = Readonly<{
  isSynchronised: boolean | undefined;
  offset: number | undefined;
  /** Services that keep the time: those that run, or in a tree those that start at boot. */
  services: readonly string[];
}>;

/** Certificates and tokens are refused when clocks differ by more. */
const mostSeconds = 60;
const noticeableSeconds = 1;

const timeServices = ['chronyd', 'chrony', 'systemd-timesyncd', 'ntpd', 'ntp', 'ntpsec'];

export async function clockStateOf(view: HostView): Promise<ClockState> {
  const [timedatectl, chrony, services] = await Promise.all([
    view.run('timedatectl', 'show', '--property=NTPSynchronized', '--value'),
    view.run('chronyc', '-c', 'tracking'),
    Promise.all(timeServices.map(async (name) => ({ name, ...(await serviceStateOf(view, name)) }))),
  ]);
  const answer = timedatectl?.exitCode === 0 ? timedatectl.stdout.trim() : '';
  return {
    isSynchronised: answer === 'yes' ? true : answer === 'no' ? false : undefined,
    offset: chrony?.exitCode === 0 ? chronyOffset(chrony.stdout) : undefined,
    services: services
      // What is to start at boot says something only about a host that does not run.
      .filter(({ isEnabled, isActive }) => (view.isRunning ? isActive === true : isEnabled))
      .map(({ name }) => name),
  };
}

/** Absolute seconds in the fifth field of `chronyc -c tracking`, or undefined while chrony follows nobody. */
export function chronyOffset(csv: string): number | undefined {
  const fields = csv.trim().split(',');
  // The leap status is the last field; "Not synchronised" makes the offset meaningless.
  if (fields.length < 14 || fields.at(-1) === 'Not synchronised') return undefined;
  const seconds = Number(fields[4]);
  return Number.isFinite(seconds) ? Math.abs(seconds) : undefined;
}

export function judgeClock({ isSynchronised, offset, services }: ClockState): Finding {
  const remedy = { commands: ['sudo timedatectl set-ntp true', 'timedatectl'] };
  if (offset !== undefined && offset > noticeableSeconds) {
    const seconds = offset.toFixed(1);
    return {
      result: offset > mostSeconds ? 'failed' : 'warning',
      found: { en: `off by ${seconds} s`, ja: `${seconds} 秒ずれています` },
      remedy: { commands: ['sudo chronyc makestep'] },
    };
  }
  const list = services.join(', ');
  if (isSynchronised === true) {
    const by = list === '' ? '' : ` (${list})`;
    return { result: 'ok', found: { en: `synchronised${by}`, ja: `同期しています${by}` } };
  }
  if (isSynchronised === false) {
    return {
      result: 'warning',
      found:
        list === ''
          ? {
              en: 'not synchronised, and no service does it',
              ja: '同期しておらず、時刻同期サービスもありません',
            }
          : { en: `not synchronised yet (${list})`, ja: `まだ同期していません (${list})` },
      remedy,
    };
  }
  if (services.length > 0) {
    return { result: 'ok', found: { en: `kept by ${list}`, ja: `${list} により同期されます` } };
  }
  return {
    result: 'unknown',
    found: {
      en: 'no running service for it was found; the host of a virtual server may do it',
      ja: '稼働中の時刻同期サービスが見つかりません。仮想サーバーのホスト側で同期している場合があります',
    },
    remedy,
  };
}

export function clockCheck(view: HostView): Check {
  return {
    id: 'utils.clock',
    title: { en: 'Time synchronisation', ja: '時刻の同期' },
    why: {
      en: 'With a wrong clock certificates and sign-ins are refused.',
      ja: '時刻がずれていると、証明書の検証やサインインが拒否されます。',
    },
    run: async () => judgeClock(await clockStateOf(view)),
  };
}

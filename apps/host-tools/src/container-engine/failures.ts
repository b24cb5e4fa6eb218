import { Failure } from '../program/failure.ts';
import type { EngineName } from './container-engine.ts';

const titles: Record<EngineName, string> = { docker: 'Docker', podman: 'Podman' };

/** An engine that is not installed. */
export class EngineMissing extends Failure {}

/** No container engine is installed; with a name, not this one. */
export function notInstalled(engine?: EngineName): EngineMissing {
  const wanted = engine === undefined ? 'Docker / Podman' : titles[engine];
  const named = engine === undefined ? 'neither Docker nor Podman is' : `${titles[engine]} is not`;
  return new EngineMissing({
    en: `There is no container engine: ${named} installed on this server. Install one (on RHEL: dnf install podman; on Ubuntu and Debian: apt-get install docker.io), then run this again.`,
    ja: `コンテナー エンジンがありません。${wanted} がこのサーバーにインストールされていません。インストールしてから (RHEL: dnf install podman、Ubuntu と Debian: apt-get install docker.io)、もう一度実行してください。`,
  });
}

/** The engine is there and does not do what it was asked for; `said` is its own message. */
export function engineFailure(engine: EngineName, said: string): Failure {
  const title = titles[engine];
  const reason = lastLine(said);
  if (/permission denied while trying to connect|got permission denied/i.test(said)) {
    return new Failure({
      en: `${title} does not let this user in. Run this as root, for example with sudo. ${title} said: ${reason}`,
      ja: `${title} へのアクセスが許可されていません。sudo などを使い、root で実行してください。${title} のメッセージ: ${reason}`,
    });
  }
  if (
    /cannot connect to the docker daemon|failed to connect to the docker api|is the docker daemon running/i.test(
      said,
    )
  ) {
    return new Failure({
      en: `${title} is installed but does not run. Start it (systemctl enable --now docker), then run this again. ${title} said: ${reason}`,
      ja: `${title} はインストールされていますが、実行されていません。起動してから (systemctl enable --now docker)、もう一度実行してください。${title} のメッセージ: ${reason}`,
    });
  }
  if (/no space left on device/i.test(said)) {
    return new Failure({
      en: `The disk is full. Make room where ${title} keeps its images and containers, then run this again. ${title} said: ${reason}`,
      ja: `ディスクの空き領域がありません。${title} がイメージとコンテナーを保存している場所の空き領域を増やしてから、もう一度実行してください。${title} のメッセージ: ${reason}`,
    });
  }
  return new Failure({
    en: `${title} refuses: ${reason}`,
    ja: `${title} の処理に失敗しました: ${reason}`,
  });
}

/** The engine hangs. */
export function noAnswer(engine: EngineName, seconds: number): Failure {
  const title = titles[engine];
  return new Failure({
    en: `${title} has not answered for ${seconds} seconds. See whether it is well (${engine} ps), restart it if need be, then run this again.`,
    ja: `${title} から ${seconds} 秒間応答がありません。状態を確認し (${engine} ps)、必要に応じて再起動してから、もう一度実行してください。`,
  });
}

/** What the engine answered is not what this program knows. */
export function notUnderstood(engine: EngineName, what: string): Failure {
  const title = titles[engine];
  return new Failure({
    en: `The answer of ${title} cannot be understood (${what}). Docker 19.03 or later and Podman 3.0 or later are supported; see: ${engine} version`,
    ja: `${title} の応答を解釈できません (${what})。サポート対象は Docker 19.03 以降と Podman 3.0 以降です。バージョンを確認してください: ${engine} version`,
  });
}

/** Engines put the reason last; hints where to read help come after it. */
function lastLine(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(See '|Run '|for more information|time=)/i.test(line));
  const line = lines.at(-1) ?? 'nothing';
  return line.replace(/^(error( response from daemon)?: )+/i, '').slice(0, 1000);
}

import { Unreachable } from '@culvert/control-plane-client/failures.ts';
import { SignInFailure, type SignInFailureReason, signIn } from '@culvert/control-plane-client/sign-in.ts';
import type { Fetch } from '@culvert/control-plane-client/web.ts';
import { Failure } from '../../program/failure.ts';
import type { Localized } from '../../program/language.ts';
import type { ToolContext } from '../../program/tool.ts';

const failures: Record<Exclude<SignInFailureReason, 'failed'>, Localized> = {
  refused: {
    en: 'The sign-in was refused in the browser. Run this again and confirm it there.',
    ja: 'ブラウザーでサインインが拒否されました。もう一度実行し、ブラウザーで確認してください。',
  },
  expired: {
    en: 'The code has expired, because nobody signed in with it in time. Run this again to get another one.',
    ja: 'コードの有効期限が切れました。もう一度実行して、新しいコードを取得してください。',
  },
};

/** Signs a person in by device code; code and address go to standard error, so that JSON stays whole. Throws a Failure in words. */
export async function accessTokenOf(
  controlPlane: string,
  fetch: Fetch,
  { terminal, say }: ToolContext,
): Promise<string> {
  const show = (address: string, code: string) =>
    terminal.complain(
      say({
        en: `To sign in, open ${address} in a browser on any computer and enter the code ${code}`,
        ja: `サインインするには、任意のコンピューターのブラウザーで ${address} を開き、コード ${code} を入力してください`,
      }),
    );
  try {
    return await signIn(controlPlane, fetch, show);
  } catch (error) {
    throw explainSignIn(error, controlPlane);
  }
}

/** What kept a person from signing in, as a Failure in words. */
export function explainSignIn(error: unknown, controlPlane: string): Failure {
  if (error instanceof SignInFailure && error.reason !== 'failed') {
    return new Failure(failures[error.reason], { cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  const isUnreachable = error instanceof Unreachable;
  const where = isUnreachable ? '' : ` ${controlPlane}`;
  return new Failure(
    {
      en: `The sign-in at the control plane${where} failed: ${reason}. See mst-readiness network.`,
      ja: `コントロール プレーン${where}へのサインインに失敗しました: ${reason}。mst-readiness network で確認してください。`,
    },
    { cause: error },
  );
}

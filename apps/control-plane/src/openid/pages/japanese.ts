import type { Messages } from './messages.ts';

export const japanese: Messages = {
  languageCode: 'ja',
  product: 'Culvert',
  adminCentre: 'Culvert 管理センター',
  tools: 'Culvert ツール',
  continue: '続行',

  signIn: 'サインイン',
  signInTo: (client) => `${client}に進みます`,
  userName: 'ユーザー名',
  password: 'パスワード',
  signInWith: (provider) => `${provider} でサインイン`,
  or: 'または',
  wrongPassword: 'ユーザー名またはパスワードが正しくありません。両方を確認して、もう一度入力してください。',
  throttled: (wait) =>
    `サインインの失敗が続いたため、一時的に制限しています。${wait}後にもう一度お試しください。`,
  busy: 'サインインの要求が集中しています。数秒後にもう一度お試しください。',
  seconds: (count) => `${count} 秒`,
  minutes: (count) => `${count} 分`,

  secondStep: '2 段階認証',
  codeHint: '認証アプリに表示されている 6 桁のコード、または回復コードを入力してください。',
  code: 'コード',
  wrongCode:
    'コードが正しくないか、すでに使用されています。次のコードが表示されるのを待ってから、もう一度入力してください。',

  newPassword: '新しいパスワードの設定',
  newPasswordHint: '続行するには、発行されたパスワードを変更する必要があります。',
  newPasswordField: '新しいパスワード',
  repeatPassword: '新しいパスワード（確認）',
  passwordRules: [
    '12 文字以上で、5 種類以上の文字を使うこと',
    'ユーザー名や現在のパスワードと異なること',
    '推測されやすい、よく使われるパスワードではないこと',
  ],
  savePassword: '保存して続行',
  passwordProblems: {
    passwordTooShort: '12 文字以上のパスワードを入力してください。',
    passwordTooLong: 'パスワードが長すぎます。256 バイト以内で入力してください。',
    passwordTooSimple: '5 種類以上の文字を使ってください。',
    passwordIsUserName: 'ユーザー名と異なるパスワードを入力してください。',
    passwordIsCommon: 'このパスワードは推測されやすいため使用できません。別のパスワードを入力してください。',
    passwordIsOld: '現在のパスワードと異なるパスワードを入力してください。',
  },
  passwordsDiffer: '2 つのパスワードが一致しません。両方の欄にもう一度入力してください。',

  deviceTitle: 'デバイスのサインイン',
  deviceHint: 'デバイスまたはプログラムに表示されているコードを入力してください。',
  deviceCode: 'デバイスのコード',
  deviceCodeMissing: 'コードを入力してください。',
  deviceCodeUnknown:
    'このコードは見つかりません。デバイスに表示されているコードと一致しているか確認してください。',
  deviceCodeEnded:
    'このコードは有効期限が切れています。デバイスでサインインをやり直し、新しいコードを入力してください。',
  deviceCodeUsed:
    'このコードはすでに使用されています。デバイスでサインインをやり直し、新しいコードを入力してください。',
  deviceFormEnded: 'このページの有効期限が切れています。コードをもう一度入力してください。',
  deviceConfirm: 'このデバイスをサインインさせますか？',
  deviceConfirmHint:
    'ご自身でサインインを開始し、デバイスに同じコードが表示されている場合にのみ続行してください。要求元はあなたと同じ権限を得ます。',
  deviceProgram: 'サインインの対象',
  deviceAddress: '要求元のアドレス',
  deviceAgent: 'プログラム',
  deviceAccount: 'アカウント',
  deviceYes: 'はい、サインインさせます',
  deviceNo: 'いいえ、拒否します',
  deviceDone: 'デバイスがサインインしました',
  deviceDoneHint: 'このページを閉じて、デバイスで続行してください。',
  deviceRefused: 'デバイスを拒否しました',
  deviceRefusedHint:
    'デバイスはサインインしていません。身に覚えのない要求だった場合も、これ以上の操作は必要ありません。',

  signOut: 'サインアウト',
  signOutQuestion: 'このブラウザーからサインアウトしますか？',
  otherAccount:
    'このブラウザーでは別のアカウントがサインインしています。先にそのアカウントをサインアウトします。',
  signedOut: 'サインアウトしました',
  signedOutHint: 'このページは閉じてかまいません。',

  errorTitle: '処理できませんでした',
  interactionEnded:
    'このサインインは有効期限が切れているか、別のウィンドウで開始されたものです。元のページに戻り、はじめからやり直してください。',
  forbiddenForm:
    'このページは有効期限が切れているか、内容が変更されています。サインインをはじめからやり直してください。',
  tooManyRequests:
    'お使いのアドレスからの要求が多すぎます。1 分ほど待ってから、このページを再読み込みしてください。',
  unavailable: 'データベースが応答していません。数秒後にもう一度お試しください。',
  serverError: 'サーバーでエラーが発生しました。詳細は、下記の要求番号でサーバーのログを確認してください。',
  requestRefused: '呼び出し元のプログラムが、許可されていない要求を送信しました。',
  upstreamRefusals: {
    unreachable:
      '外部サービスが応答していません。しばらくしてからもう一度試すか、別の方法でサインインしてください。',
    wrongIssuer: '外部サービスの設定に誤りがあります。管理者に連絡してください。',
    clientRefused: '外部サービスが要求を拒否しました。管理者に連絡してください。',
    cancelled: 'サインインがキャンセルされたか、外部サービスで許可されませんでした。',
    notForUs: '外部サービスの応答が、このサインインのものではありません。はじめからやり直してください。',
    expired: 'サインインに時間がかかりすぎたか、別の場所で開始されたものです。はじめからやり直してください。',
    claimMissing: '外部サービスからユーザーの情報を取得できませんでした。管理者に連絡してください。',
    groupsMissing: '外部サービスからグループの情報を取得できませんでした。管理者に連絡してください。',
    notInGroup: 'サインインを許可されたグループに所属していません。管理者に問い合わせてください。',
    disabled: 'このアカウントまたはサインイン方法は無効になっています。管理者に問い合わせてください。',
    throttled: 'サインインの失敗が続いたため、一時的に制限しています。数分後にもう一度お試しください。',
  },
  technical: '管理者向けの情報',
  requestNumber: '要求番号',
  startAgain: 'トップページへ',
};

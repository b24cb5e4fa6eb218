import type { StandaloneConfiguration } from '@culvert/contracts';

/** Messages that people read in their client; `number` is the `id` by which Cisco clients tell errors apart. */
export interface Message {
  number: number;
  text: string;
}

interface Catalogue {
  prompt: Message;
  username: string;
  password: string;
  wrongPassword: Message;
  tooManyTries: Message;
  busy: Message;
  expired: Message;
  banned: (minutes: number) => Message;
  platformRefused: (platform: string) => Message;
  certificateMissing: Message;
  certificateRefused: (detail: string) => Message;
  certificateOfAnother: Message;
  tooManySessions: Message;
  noAddress: Message;
}

const english: Catalogue = {
  prompt: { number: 0, text: 'Please enter your user name and password.' },
  username: 'Username:',
  password: 'Password:',
  wrongPassword: { number: 15, text: 'The user name or the password is wrong.' },
  tooManyTries: { number: 16, text: 'Too many wrong tries. Connect again to start over.' },
  busy: { number: 17, text: 'The server is busy. Please try again in a moment.' },
  expired: { number: 18, text: 'The sign-in took too long. Please try again.' },
  banned: (minutes) => ({
    number: 19,
    text: `Too many wrong passwords came from your network. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`,
  }),
  platformRefused: (platform) => ({
    number: 20,
    text: `Devices of this kind (${platform}) may not connect. Ask your administrator.`,
  }),
  certificateMissing: {
    number: 21,
    text: 'A client certificate is needed to connect. Ask your administrator.',
  },
  certificateRefused: (detail) => ({
    number: 22,
    text: `Your client certificate is not accepted: ${detail}`,
  }),
  certificateOfAnother: { number: 23, text: 'Your client certificate belongs to another user.' },
  tooManySessions: {
    number: 24,
    text: 'This account has reached its number of connected devices. Disconnect one of them and try again.',
  },
  noAddress: { number: 25, text: 'The server has no free address for your device. Please try again later.' },
};

const japanese: Catalogue = {
  prompt: { number: 0, text: 'ユーザー名とパスワードを入力してください。' },
  username: 'ユーザー名:',
  password: 'パスワード:',
  wrongPassword: { number: 15, text: 'ユーザー名またはパスワードが違います。' },
  tooManyTries: { number: 16, text: '間違いが多すぎます。もう一度接続してやり直してください。' },
  busy: { number: 17, text: 'サーバーが混み合っています。しばらくしてからもう一度お試しください。' },
  expired: { number: 18, text: 'サインインに時間がかかりすぎました。もう一度お試しください。' },
  banned: (minutes) => ({
    number: 19,
    text: `お使いのネットワークから間違ったパスワードが何度も送られました。${minutes} 分後にもう一度お試しください。`,
  }),
  platformRefused: (platform) => ({
    number: 20,
    text: `この種類の端末 (${platform}) では接続できません。管理者にお問い合わせください。`,
  }),
  certificateMissing: {
    number: 21,
    text: '接続にはクライアント証明書が必要です。管理者にお問い合わせください。',
  },
  certificateRefused: (detail) => ({
    number: 22,
    text: `クライアント証明書を受け付けられません: ${detail}`,
  }),
  certificateOfAnother: { number: 23, text: 'クライアント証明書は別のユーザーのものです。' },
  tooManySessions: {
    number: 24,
    text: 'このアカウントで接続できる端末の数に達しています。どれかを切断してから、もう一度お試しください。',
  },
  noAddress: {
    number: 25,
    text: '端末に割り当てるアドレスが空いていません。時間をおいてもう一度お試しください。',
  },
};

const catalogues: Record<StandaloneConfiguration['language'], Catalogue> = { en: english, ja: japanese };

/** Everything that a sign-in can say. */
export type Messages = Catalogue;

/** The messages in the language of the configuration. */
export const messagesIn = (language: StandaloneConfiguration['language']): Messages => catalogues[language];

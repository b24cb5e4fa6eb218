/** What can be downloaded, by the name of its file, with what it is in English and Japanese. */
export const offers: Readonly<Record<string, { en: string; ja: string }>> = {
  'mst-readiness': {
    en: 'Checks whether a server is ready to be a tunnel gateway',
    ja: 'サーバーがトンネル ゲートウェイの要件を満たしているかどうかを確認します',
  },
  'mstunnel-setup': {
    en: 'Sets up a tunnel gateway on a server',
    ja: 'サーバーにトンネル ゲートウェイをセットアップします',
  },
  'mst-cli': {
    en: 'Runs and looks after a tunnel gateway on its server',
    ja: 'サーバー上のトンネル ゲートウェイを操作および管理します',
  },
  'culvert-images.tar': {
    en: 'Container images of gateway and agent, for servers that reach no image registry',
    ja: 'ゲートウェイとエージェントのコンテナー イメージです。イメージ レジストリに接続できないサーバーで使用します',
  },
};

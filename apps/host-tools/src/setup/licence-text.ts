import { embeddedText } from '../embedded/embedded-text.ts';
import type { Language, Localized } from '../program/language.ts';

const summary: Localized = {
  en: `Culvert is free software under the Apache License, Version 2.0, which follows in full.

In short, and without replacing it: you may use, change and pass on this software, also in a company; you keep its
notices when you pass it on; it comes without any warranty, and nobody who wrote it is liable for what it does.
`,
  ja: `Culvert は Apache License, Version 2.0 に基づくフリー ソフトウェアです。以下にライセンスの全文 (英語) を示します。

要約 (ライセンスに代わるものではありません): 本ソフトウェアは、企業内も含めて自由に使用、変更、再配布できます。再配布する場合は
著作権などの表示を残してください。本ソフトウェアは無保証で提供され、作成者は動作の結果について責任を負いません。
`,
};

/** The terms of the product: in short in the language of the person, then the licence itself. */
export function licenceText(language: Language): string {
  return `${summary[language]}\n${embeddedText('LICENSE').trim()}\n`;
}

import type { Localized } from './language.ts';

/** What was asked for cannot be done. The text is for the person who asked: what, why, and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly text: Localized;

  constructor(text: Localized, options?: ErrorOptions) {
    super(text.en, options);
    this.text = text;
  }
}

/** The command line does not say what it must; it is answered with the status of wrong use. */
export class WrongUse extends Failure {}

import type { PasswordProblem } from '../../accounts/password-rules.ts';
import type { UpstreamRefusal } from '../../identity-providers/refusal.ts';
import { japanese } from './japanese.ts';

/** What the pages say. Other languages have the same keys; one that is missing does not compile. */
export const english = {
  languageCode: 'en',
  product: 'Culvert',
  adminCentre: 'Culvert admin centre',
  tools: 'Culvert tools',
  continue: 'Continue',

  signIn: 'Sign in',
  signInTo: (client: string) => `to go on to ${client}`,
  userName: 'User name',
  password: 'Password',
  signInWith: (provider: string) => `Sign in with ${provider}`,
  or: 'or',
  wrongPassword: 'The user name or the password is wrong. Check both and try again.',
  throttled: (wait: string) => `There were too many attempts that failed. Try again in ${wait}.`,
  busy: 'Too many people are signing in at this moment. Try again in a few seconds.',
  seconds: (count: number) => (count === 1 ? 'one second' : `${count} seconds`),
  minutes: (count: number) => (count === 1 ? 'one minute' : `${count} minutes`),

  secondStep: 'Second step',
  codeHint: 'The six digits that your authenticator app shows, or one of your recovery codes.',
  code: 'Code',
  wrongCode: 'The code is wrong or was used before. Wait for the next one and try again.',

  newPassword: 'Choose a new password',
  newPasswordHint: 'The password that you were given has to be changed before you go on.',
  newPasswordField: 'New password',
  repeatPassword: 'New password once more',
  passwordRules: [
    'at least 12 characters, of which five differ',
    'not the user name, and not the present password',
    'none that many people use',
  ],
  savePassword: 'Save and go on',
  passwordProblems: {
    passwordTooShort: 'Use at least 12 characters.',
    passwordTooLong: 'Use a shorter password: at most 256 bytes, which is as many Latin letters.',
    passwordTooSimple: 'Use at least five different characters.',
    passwordIsUserName: 'Use something else than your user name.',
    passwordIsCommon: 'This password is among those that attackers try first. Use another one.',
    passwordIsOld: 'Use another password than the present one.',
  } satisfies Record<PasswordProblem, string>,
  passwordsDiffer: 'The two passwords are not the same. Type the new one once more in both fields.',

  deviceTitle: 'Sign a device in',
  deviceHint: 'Type the code that your device or program shows.',
  deviceCode: 'Code of the device',
  deviceCodeMissing: 'Type the code first.',
  deviceCodeUnknown: 'There is no such code. Compare it with what the device shows.',
  deviceCodeEnded: 'This code has ended. Start the sign-in on the device again, and use the new code.',
  deviceCodeUsed: 'This code was used before. Start the sign-in on the device again, and use the new code.',
  deviceFormEnded: 'This form has ended. Type the code once more.',
  deviceConfirm: 'Is this your device?',
  deviceConfirmHint:
    'Go on only if you started this sign-in yourself and the device shows the same code. Whoever asked gets your permissions.',
  deviceProgram: 'What is signed in',
  deviceAddress: 'Address that asked',
  deviceAgent: 'Program',
  deviceAccount: 'Account',
  deviceYes: 'Yes, sign it in',
  deviceNo: 'No, refuse',
  deviceDone: 'The device is signed in',
  deviceDoneHint: 'You can close this page and go on at the device.',
  deviceRefused: 'The device was refused',
  deviceRefusedHint: 'It was not signed in. If you did not start this yourself, nothing else is needed.',

  signOut: 'Sign out',
  signOutQuestion: 'Do you want to sign out in this browser?',
  otherAccount: 'Another account is still signed in in this browser. It is signed out first.',
  signedOut: 'You are signed out',
  signedOutHint: 'You can close this page.',

  errorTitle: 'This did not work',
  interactionEnded:
    'This sign-in has ended, or was begun in another window. Go back to where you came from and start again.',
  forbiddenForm: 'This page has ended or was changed. Start the sign-in again.',
  tooManyRequests: 'Too many requests came from your address. Wait a minute, then load this page again.',
  unavailable: 'The database does not answer at this moment. Try again in a few seconds.',
  serverError: 'Something went wrong here. The log of the server has the details under the request number.',
  requestRefused: 'The program that sent you here asked for something that is not allowed.',
  upstreamRefusals: {
    unreachable: 'The other service does not answer at this moment. Try again, or sign in another way.',
    wrongIssuer: 'The other service is not set up rightly here. Tell your administrator.',
    clientRefused: 'The other service refused the request. Tell your administrator.',
    cancelled: 'The sign-in was cancelled, or the other service does not let you in.',
    notForUs: 'The answer of the other service does not belong to this sign-in. Begin again.',
    expired: 'The sign-in took too long or was begun elsewhere. Begin again.',
    claimMissing: 'The other service did not tell who you are. Tell your administrator.',
    groupsMissing: 'The other service did not tell your groups. Tell your administrator.',
    notInGroup: 'You are in none of the groups that may sign in here. Ask your administrator.',
    disabled: 'This account or this way to sign in is switched off. Ask your administrator.',
    throttled: 'There were too many attempts that failed. Try again in some minutes.',
  } satisfies Record<UpstreamRefusal['kind'], string>,
  technical: 'For your administrator',
  requestNumber: 'Request number',
  startAgain: 'To the start page',
};

export type Messages = typeof english;
export type Language = 'en' | 'ja';

export const messagesOf: Record<Language, Messages> = { en: english, ja: japanese };

/** A number of seconds in words, rounded up so that nobody comes too early. */
export function inWords(messages: Messages, seconds: number): string {
  return seconds <= 90 ? messages.seconds(Math.ceil(seconds)) : messages.minutes(Math.ceil(seconds / 60));
}

import { once } from 'node:events';
import { loadConfiguration } from '../../configuration/load.ts';
import { type RunningControlPlane, serve } from '../../serve.ts';
import type { Output } from '../output.ts';

/** `control-plane`: runs in the foreground until it is told to stop. */
export async function run(file: string, output: Output): Promise<void> {
  const running = await serve(await loadConfiguration(file));
  // Before anybody is told that it runs and may stop it.
  const stopped = untilStopped();
  announce(running, file, output);
  await stopped;
  await running.stop();
}

/** Shows where the control plane is and how to sign in. */
export function announce(
  { context, certificate, firstAdministrator }: RunningControlPlane,
  configurationFile: string,
  output: Output,
): void {
  const { publicUrl } = context.configuration;
  const { authority } = certificate;
  const trust =
    authority === undefined
      ? []
      : [`  Authority         ${authority.file}`, `  SHA-256           ${authority.fingerprint}`];
  const signIn =
    firstAdministrator === undefined
      ? []
      : [
          `  Administrator     ${firstAdministrator.userName}`,
          `  Password          ${firstAdministrator.password}   (shown only now, to be changed at the first sign-in)`,
        ];
  output.print(
    [
      '',
      'Culvert control plane',
      '',
      `  Address           ${publicUrl}`,
      `  API               ${publicUrl}/api/docs/`,
      `  Downloads         ${publicUrl}/downloads/`,
      ...signIn,
      ...trust,
      `  Configuration     ${configurationFile}`,
      '',
    ].join('\n'),
  );
}

/**
 * Resolves at the first signal to stop, or when the process that started this one is gone. A second signal, as Ctrl-C below
 * npm sends, changes nothing.
 */
export async function untilStopped(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT'), once(process, 'disconnect')]);
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {});
}

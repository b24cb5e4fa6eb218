import type { Context } from '../context.ts';
import { readGatewayFile, withSettings, writeGatewayFile } from './gateway-file.ts';
import { settingsOfSite } from './site-settings.ts';

/** Milliseconds between two looks: a change reaches the gateway within two seconds. */
const interval = 1_500;

export interface LocalGateway {
  /** Configuration file of the gateway. */
  file: string;
  siteId: string;
  /** Called after the file was replaced, so that the gateway is told to read it. */
  onWritten: () => void;
}

/** Writes what the site says into the gateway's file. False when it says that already. Throws when the site is gone. */
export async function bringUpToDate(
  { database, logger }: Pick<Context, 'database' | 'logger'>,
  { file, siteId }: Pick<LocalGateway, 'file' | 'siteId'>,
): Promise<boolean> {
  const settings = await settingsOfSite(database, siteId);
  if (settings === undefined) {
    throw new Error(
      'its site was deleted: the gateway keeps its configuration; remove local-gateway.json from the state directory and start again to make a new site',
    );
  }
  const document = withSettings(await readGatewayFile(file), settings);
  if (document === undefined) return false;
  await writeGatewayFile(file, document);
  logger.info({ file }, 'the configuration of the site was written for the gateway');
  return true;
}

/** Keeps the gateway's file in step with its site until it is told to stop. */
export function followSite(
  context: Pick<Context, 'database' | 'logger'>,
  gateway: LocalGateway,
): { stop(): Promise<void> } {
  let isStopped = false;
  let wake = () => {};
  const loop = async () => {
    let complained = '';
    while (!isStopped) {
      try {
        if (await bringUpToDate(context, gateway)) gateway.onWritten();
        complained = '';
      } catch (error) {
        // The same trouble every second and a half would fill the log.
        const reason = error instanceof Error ? error.message : String(error);
        if (reason !== complained)
          context.logger.error({ reason }, 'the gateway cannot get its configuration');
        complained = reason;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, interval).unref();
      });
    }
  };
  const finished = loop();
  return {
    stop: () => {
      isStopped = true;
      wake();
      return finished;
    },
  };
}

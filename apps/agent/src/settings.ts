import { agentFileSettingsSchema, type HttpProxy } from '@culvert/control-plane-client/proxy.ts';
import { readIfThere } from './files/durable-file.ts';
import { DamagedFile } from './files/json-file.ts';

/** What the administrator of the host has set for the agent. Throws an error that names the field and what to do. */
export async function readSettings(file: string): Promise<{ proxy: HttpProxy | undefined }> {
  const text = await readIfThere(file);
  if (text === undefined) return { proxy: undefined };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new DamagedFile(
      file,
      `is no JSON (${error instanceof Error ? error.message : error})`,
      'correct it',
    );
  }
  const settings = agentFileSettingsSchema.safeParse(document);
  if (settings.success) return { proxy: settings.data.proxy };
  const [issue] = settings.error.issues;
  throw new DamagedFile(file, `${issue?.path.join('.') || 'as a whole'}: ${issue?.message}`, 'correct it');
}

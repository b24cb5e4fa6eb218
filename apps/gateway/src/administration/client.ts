import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, resolve } from 'node:path';
import { explainFileError } from '../configuration/files.ts';
import { readJson } from '../configuration/json.ts';
import { runtimePaths } from '../runtime-directory.ts';

/** A command cannot do what it was asked; the message is for the person who typed it. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
}

/** Speaks to the gateway that runs with a configuration file. */
export class AdministrationClient {
  readonly #configurationFile: string;

  constructor(configurationFile: string) {
    this.#configurationFile = resolve(configurationFile);
  }

  get(path: string): Promise<unknown> {
    return this.#send('GET', path);
  }

  post(path: string, body: unknown = {}): Promise<unknown> {
    return this.#send('POST', path, body);
  }

  async #send(method: string, path: string, body?: unknown): Promise<unknown> {
    const stateDirectory = await readStateDirectory(this.#configurationFile);
    const { adminSocket } = runtimePaths(stateDirectory);
    try {
      return await exchange(adminSocket, method, path, body);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') throw this.#notRunning();
      if (code === 'EACCES')
        throw new CommandFailure(`${adminSocket} belongs to another user; run this command as root`);
      throw error;
    }
  }

  #notRunning(): CommandFailure {
    return new CommandFailure(
      `no gateway is running with this configuration: ${this.#configurationFile}\n` +
        `start it with "npm run gateway -- --config ${this.#configurationFile}"`,
    );
  }
}

/** Only this field is read, so that commands work while the file is being edited and the rest of it is wrong. */
async function readStateDirectory(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error) => {
    throw new CommandFailure(`${file} ${explainFileError(error)}; name the configuration with --config FILE`);
  });
  const json = readJson(text);
  if (!json.ok)
    throw new CommandFailure(`${file}, line ${json.line}, column ${json.column}: ${json.message}`);
  const directory: unknown =
    typeof json.value === 'object' && json.value !== null
      ? Reflect.get(json.value, 'stateDirectory')
      : undefined;
  if (typeof directory !== 'string' || directory === '') {
    throw new CommandFailure(
      `${file}: stateDirectory: missing; the gateway of this file cannot be found without it`,
    );
  }
  return resolve(dirname(file), directory);
}

function exchange(socketPath: string, method: string, path: string, body: unknown): Promise<unknown> {
  return new Promise((resolvePromise, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      payload === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const sent = request({ socketPath, method, path, headers }, async (response) => {
      try {
        const text = Buffer.concat(await response.toArray()).toString('utf8');
        const answer: unknown = text === '' ? {} : JSON.parse(text);
        if (response.statusCode === 200 || response.statusCode === 202) resolvePromise(answer);
        else reject(new CommandFailure(`the gateway refuses: ${errorText(answer)}`));
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject);
    sent.end(payload);
  });
}

function errorText(answer: unknown): string {
  const text: unknown =
    typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'error') : undefined;
  return typeof text === 'string' ? text : 'it tells no reason';
}

import { lstat } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { dirname } from 'node:path';
import { printable } from '@culvert/terminal-text/table.ts';
import { z } from 'zod';
import { Failure } from '../../program/failure.ts';
import type { Localized } from '../../program/language.ts';

/** Who answers at a socket of this server, and what brings it back. */
export interface LocalService {
  name: Localized;
  socket: string;
  start: string;
}

export interface LocalRequest {
  method: 'GET' | 'POST';
  path: string;
  body?: object;
  signal?: AbortSignal;
}

/** A gateway with 64,000 sessions answers within seconds. */
const answerMilliseconds = 30_000;
/** 64,000 sessions have about 40 MB; a container that was taken over must not fill the memory of the host. */
const longestAnswer = 128 << 20;

/** Nobody answers at the socket. */
export class NotRunning extends Failure {}

/**
 * Asks a service of this server. Resolves to what the schema makes of its answer; rejects with a Failure that says who does not
 * answer, refuses, or answers in another way.
 */
export async function askService<Schema extends z.ZodType>(
  service: LocalService,
  asked: LocalRequest,
  schema: Schema,
): Promise<z.output<Schema>> {
  const signal = AbortSignal.timeout(answerMilliseconds);
  const response = await openAnswer(service, { ...asked, signal });
  const text = await readBounded(response, service).catch((error: unknown) => {
    throw signal.aborted ? tooLate(service) : error;
  });
  const body = parseJson(text);
  if (response.statusCode !== undefined && response.statusCode >= 300)
    throw refusal(service, response.statusCode, body);
  const answer = schema.safeParse(body);
  if (!answer.success) throw notUnderstood(service);
  return answer.data;
}

/** Sends a request; resolves to the response when its head has come, whatever its status. */
export async function openAnswer(service: LocalService, asked: LocalRequest): Promise<IncomingMessage> {
  await refuseLinks(service);
  const body = asked.body === undefined ? undefined : JSON.stringify(asked.body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath: service.socket,
        method: asked.method,
        path: asked.path,
        ...(asked.signal === undefined ? {} : { signal: asked.signal }),
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' } }),
      },
      resolve,
    );
    sent.on('error', (error: NodeJS.ErrnoException) =>
      reject(asked.signal?.aborted === true ? tooLate(service) : explain(error, service)),
    );
    sent.end(body);
  });
}

/** Containers can write where the sockets are: root must not be led to a socket of somebody else. */
async function refuseLinks(service: LocalService): Promise<void> {
  const { socket } = service;
  try {
    const [found, directory] = await Promise.all([lstat(socket), lstat(dirname(socket))]);
    if (found.isSocket() && directory.isDirectory()) return;
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, service);
  }
  throw new Failure({
    en: `${socket} is not the socket that this product makes, so nobody is asked there. Find out who has replaced it.`,
    ja: `${socket} は本製品が作成したソケットではないため、接続しません。何によって置き換えられたのか確認してください。`,
  });
}

async function readBounded(response: IncomingMessage, service: LocalService): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > longestAnswer) {
      response.destroy();
      throw notUnderstood(service);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    // Told as an answer of another form.
    return undefined;
  }
}

/** What a service has refused, in its own words. */
export function refusal({ name }: LocalService, status: number, body: unknown): Failure {
  const told = z.object({ error: z.string() }).safeParse(body);
  const reason = told.success ? printable(told.data.error).slice(0, 1000) : `status ${status}`;
  return new Failure({
    en: `The ${name.en} refuses: ${reason}`,
    ja: `${name.ja}が要求を拒否しました: ${reason}`,
  });
}

function explain(error: NodeJS.ErrnoException, { name, socket, start }: LocalService): Failure {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
    return new NotRunning(
      {
        en: `The ${name.en} does not run on this server: nobody answers at ${socket}. Start it with: ${start}`,
        ja: `このサーバーで${name.ja}が実行されていません (${socket} から応答がありません)。次のコマンドで起動してください: ${start}`,
      },
      { cause: error },
    );
  }
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new Failure(
      {
        en: `Only root may talk to the ${name.en}. Run this with sudo.`,
        ja: `${name.ja}への接続には root 権限が必要です。sudo を付けて実行してください。`,
      },
      { cause: error },
    );
  }
  return new Failure(
    {
      en: `The ${name.en} does not answer: ${error.message}`,
      ja: `${name.ja}から応答がありません: ${error.message}`,
    },
    { cause: error },
  );
}

function tooLate({ name, start }: LocalService): Failure {
  const restart = start.replace(/start$/, 'restart');
  return new Failure({
    en: `The ${name.en} has not answered for ${answerMilliseconds / 1000} seconds. Restart it with: ${restart}`,
    ja: `${name.ja}から ${answerMilliseconds / 1000} 秒間応答がありません。次のコマンドで再起動してください: ${restart}`,
  });
}

function notUnderstood({ name }: LocalService): Failure {
  return new Failure({
    en: `The answer of the ${name.en} cannot be understood. Are mst-cli and the ${name.en} of one version? See: mst-cli version`,
    ja: `${name.ja}の応答を解釈できません。mst-cli と${name.ja}のバージョンが同じか、mst-cli version で確認してください。`,
  });
}

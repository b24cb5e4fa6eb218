import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { ApiError } from '../http/errors.ts';
import { DownloadsDirectory } from './directory.ts';
import { offers } from './offers.ts';

const digestList = 'SHA256SUMS';
const names = Object.keys(offers);

const list = z.object({
  value: z.array(
    z.object({
      name: z.string(),
      url: z.url(),
      sizeInBytes: z.int(),
      sha256: z.string().describe('In hexadecimal'),
      description: z.object({ en: z.string(), ja: z.string() }).describe('What it is'),
    }),
  ),
});
const file = { content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } } };

/** Programs for servers, and the images that they run. They hold no secret, so nobody has to sign in. */
export async function registerDownloads(application: FastifyInstance, context: Context): Promise<void> {
  const { downloadsDirectory: root, publicUrl } = context.configuration;
  const directory = new DownloadsDirectory(root, names);
  const tags = ['downloads'];
  const config = { access: 'public', errors: ['ResourceNotFound'] } as const;

  /** Those that are there; refuses when there is none. */
  async function listOrRefuse() {
    const found = await directory.list();
    if (found.length === 0) throw new ApiError('ResourceNotFound', nothingThere);
    return found;
  }

  await application.register(async (scope) => {
    // For its answers to Range, If-None-Match and If-Range; every route is our own.
    await scope.register(fastifyStatic, { serve: false, cacheControl: false });
    scope.get(
      '/downloads',
      { config, schema: { summary: 'List the downloads', tags, response: { 200: list } } },
      async () => ({
        value: (await listOrRefuse()).map((download) => ({
          ...download,
          url: `${publicUrl}/downloads/${download.name}`,
          description: offers[download.name],
        })),
      }),
    );
    scope.get(
      `/downloads/${digestList}`,
      {
        config,
        schema: {
          summary: 'Digests of the downloads, for `sha256sum --check`',
          tags,
          response: { 200: { content: { 'text/plain': { schema: z.string() } } } },
        },
      },
      async (_, reply) => {
        const lines = (await listOrRefuse()).map(({ sha256, name }) => `${sha256}  ${name}\n`);
        return reply.type('text/plain; charset=utf-8').send(lines.join(''));
      },
    );
    scope.get<{ Params: { name: string } }>(
      '/downloads/:name',
      {
        config: { ...config, errors: ['ResourceNotFound', 'RangeNotSatisfiable'] },
        schema: {
          summary: 'Download a file, or with `Range` a part of it',
          tags,
          params: z.object({ name: z.string() }),
          response: { 200: file },
        },
      },
      async (request, reply) => {
        const { name } = request.params;
        if (!names.includes(name)) throw new ApiError('ResourceNotFound', unknownName(name));
        if (!(await directory.has(name))) throw new ApiError('ResourceNotFound', notThere(name));
        return reply
          .header('cache-control', 'no-cache')
          .type('application/octet-stream')
          .sendFile(name, root, { contentType: false });
      },
    );
  });
}

const howToBuild = 'run `npm run build:host-tools` in the repository of the control plane';

const nothingThere = `there is nothing to download yet: ${howToBuild}, or put the files to its "downloadsDirectory"`;

function notThere(name: string): string {
  const remedy = name.endsWith('.tar')
    ? 'make it with `npm run build:images -- --archive FILE`, and put it to the "downloadsDirectory" of the control plane'
    : howToBuild;
  return `${name} is not there yet: ${remedy}`;
}

function unknownName(name: string): string {
  return `there is no download "${name}"; there are ${[...names, digestList].join(', ')}`;
}

import { logPieceBytes, logUploadEndSchema, logUploadStateSchema } from '@culvert/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { agentOf } from '../agent-listener/agent.ts';
import { AgentRefusal } from '../agent-listener/refusal.ts';
import type { Context } from '../context.ts';
import type { StoredRow } from '../graph/tables.ts';
import { dropPieces, hashArchive, openCollection, storePiece } from './pieces.ts';
import { endCollection } from './states.ts';

const collectionParameter = z.object({ id: z.string().max(64) });
const pieceParameters = z.object({ id: z.string().max(64), offset: z.coerce.number().int().min(0) });
type UploadState = z.output<typeof logUploadStateSchema>;

/**
 * Where agents send the logs that they were asked for. Every answer tells how much is here, and the agent goes on from there;
 * an agent that sends again what is here changes nothing.
 */
export function registerLogUploads(application: FastifyInstance, context: Context): void {
  const { database } = context;
  const url = '/agent/v1/log-collections/:id';
  const response = { 200: logUploadStateSchema };

  application.register(async (uploads) => {
    uploads.addContentTypeParser(
      'application/octet-stream',
      { parseAs: 'buffer', bodyLimit: logPieceBytes },
      (_request, body, done) => done(null, body),
    );
    uploads.get<{ Params: { id: string } }>(
      url,
      { config: { from: 'agent' }, schema: { params: collectionParameter, response } },
      async (request): Promise<UploadState> => {
        const collection = await requireOpen(agentOf(request).serverId, request.params.id);
        return { receivedBytes: Number(collection.received_bytes) };
      },
    );
    uploads.put<{ Params: z.output<typeof pieceParameters>; Body: Buffer }>(
      `${url}/pieces/:offset`,
      { config: { from: 'agent' }, schema: { params: pieceParameters, response } },
      async (request): Promise<UploadState> => {
        const { id, offset } = request.params;
        if (!Buffer.isBuffer(request.body)) {
          throw new AgentRefusal('invalid', 'a piece of an archive is of the type application/octet-stream');
        }
        const collection = await requireOpen(agentOf(request).serverId, id);
        const outcome = await database.tables
          .transaction()
          .execute((tables) => storePiece(tables, collection, offset, request.body, context.now()));
        if (outcome.kind === 'full') throw new AgentRefusal('invalid', outcome.reason);
        return { receivedBytes: outcome.receivedBytes };
      },
    );
    uploads.post<{ Params: { id: string }; Body: z.output<typeof logUploadEndSchema> }>(
      `${url}/complete`,
      {
        config: { from: 'agent' },
        schema: { params: collectionParameter, body: logUploadEndSchema, response },
      },
      async (request): Promise<UploadState> => {
        const { serverId } = agentOf(request);
        const { body, params } = request;
        if (body.outcome === 'completed') {
          const done = await completed(serverId, params.id, body.sha256);
          if (done !== undefined) return done;
        }
        const collection = await requireOpen(serverId, params.id);
        const receivedBytes = Number(collection.received_bytes);
        if (body.outcome === 'failed') {
          await endCollection(
            database.tables,
            collection.id,
            { state: 'failed', reason: body.reason },
            context.now(),
          );
          return { receivedBytes };
        }
        if (body.sizeInBytes !== receivedBytes) return { receivedBytes };
        if ((await hashArchive(database, collection.id)) !== body.sha256) {
          await database.tables
            .transaction()
            .execute((tables) => dropPieces(tables, collection.id, context.now()));
          return { receivedBytes: 0 };
        }
        const { sizeInBytes, sha256 } = body;
        await endCollection(
          database.tables,
          collection.id,
          { state: 'completed', sizeInBytes, sha256 },
          context.now(),
        );
        return { receivedBytes };
      },
    );
  });

  async function requireOpen(serverId: string, id: string): Promise<StoredRow> {
    const collection = await openCollection(database.tables, serverId, id);
    if (collection !== undefined) return collection;
    throw new AgentRefusal(
      'invalid',
      `nobody waits for the logs of collection ${id}: it was deleted or has ended`,
    );
  }

  /** What was answered when this archive was completed before, perhaps without being heard. */
  async function completed(serverId: string, id: string, sha256: string): Promise<UploadState | undefined> {
    const row = await database.tables
      .selectFrom('server_log_collections')
      .select('received_bytes')
      .where('id', '=', id)
      .where('server_id', '=', serverId)
      .where('state', '=', 'completed')
      .where('sha256', '=', sha256)
      .executeTakeFirst();
    return row === undefined ? undefined : { receivedBytes: Number(row.received_bytes) };
  }
}

import type { CheckIn, CheckInAnswer } from '@culvert/contracts';
import type { FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import { type Agent, agentActor, serverDeleted } from '../agent-listener/agent.ts';
import { recordResults, takeCommands } from '../commands/deliver.ts';
import type { Context } from '../context.ts';
import type { Tables } from '../database/tables.ts';
import type { DesiredConfigurations } from '../desired-configuration/desired.ts';
import { isOffered } from '../desired-configuration/offer.ts';
import { noteOffer, noteReport, noteWanted } from '../desired-configuration/reports.ts';
import type { StoredRow } from '../graph/tables.ts';
import { healthAtCheckIn } from '../health-status/check-in.ts';
import { verboseSettings } from '../log-collections/verbose.ts';
import { readSettings } from '../settings/store.ts';
import { upgradeAtCheckIn } from '../upgrades/check-in.ts';
import { cursorOf, desiredStates } from './desired-states.ts';
import { acceptableSamples, clockCorrection } from './samples.ts';
import { writeTold } from './told.ts';

/** Seconds between two check-ins of an agent. */
const checkInSeconds = 60;
/** The same while a server is being upgraded: the next server waits for it. */
const watchedCheckInSeconds = 10;

/** Takes in what an agent tells and answers what its server is to be: one transaction, so that nothing counts by halves. */
export function receiveCheckIn(
  context: Context,
  configurations: DesiredConfigurations,
  agent: Agent,
  request: FastifyRequest<{ Body: CheckIn }>,
): Promise<CheckInAnswer> {
  const { body: checkIn } = request;
  const { serverId } = agent;
  return context.database.tables.transaction().execute(async (tables): Promise<CheckInAnswer> => {
    const now = context.now();
    const state = await readState(tables, serverId, now);
    const samples = acceptableSamples(checkIn.samples, now, clockCorrection(checkIn.sentAt, now));
    await writeTold(tables, serverId, checkIn, samples, state.before, now);
    if (checkIn.configuration !== undefined) await noteReport(tables, serverId, checkIn.configuration, now);
    const desired = configurations.of(agent.siteId, String(state.site.public_address), state.configuration);
    if (desired !== undefined) await noteWanted(tables, serverId, desired.revision, now);
    await recordResults(tables, agent, agentActor(agent, request), checkIn.commandResults, now);

    await healthAtCheckIn(tables, serverId, samples, state.lastCheckInAt, now);
    // It looks at what was just told, health included.
    const upgrade = await upgradeAtCheckIn({ engine: context.database.engine, tables }, serverId, now);
    const commands = await takeCommands(tables, serverId, now);
    const offer =
      desired !== undefined &&
      isOffered({
        desired: desired.revision,
        applied: checkIn.appliedRevision,
        tried: checkIn.configuration?.revision,
        isRestarting: commands.some(({ order }) => order.kind === 'restartServer'),
      });
    if (offer) await noteOffer(tables, serverId, desired.revision, now);
    return {
      serverTime: now.toISOString(),
      nextCheckInSeconds: upgrade.isWatched ? watchedCheckInSeconds : checkInSeconds,
      ...(offer ? { configuration: desired } : {}),
      settings: {
        internalNetworkProbeUrl: textOrNull(state.site.internal_network_probe_url),
        imageRegistryUrl: (await readSettings(tables)).settings.imageRegistryUrl,
        ...verboseSettings(state.desired.verbose_until, now),
      },
      ...(upgrade.desiredVersion === undefined ? {} : { desiredVersion: upgrade.desiredVersion }),
      commands,
      // With this answer the agent has the commands that were waiting; one beyond it makes another cursor.
      cursor: cursorOf({ ...state.desired, upgrade_step: upgrade.step, waiting_command: null }),
    };
  });
}

/** Everything of the database that an answer depends on, and what was known of the server before. */
async function readState(tables: Kysely<Tables>, serverId: string, now: Date) {
  const row = await desiredStates(tables, now)
    .leftJoin('server_states as state', 'state.server_id', 'server.id')
    .selectAll('configuration')
    .select(['site.public_address', 'site.internal_network_probe_url', 'state.latest', 'state.latest_at'])
    .select('state.last_check_in_at')
    .where('server.id', '=', serverId)
    .executeTakeFirst();
  if (row === undefined) throw serverDeleted();
  const { latest, latest_at, last_check_in_at, public_address, internal_network_probe_url } = row;
  return {
    desired: row,
    site: { public_address, internal_network_probe_url },
    // `selectAll` has put every column of the configuration there, under its own name.
    configuration: row as unknown as StoredRow,
    before: latest === null ? undefined : { latest, latest_at },
    lastCheckInAt: last_check_in_at === null ? undefined : new Date(last_check_in_at),
  };
}

function textOrNull(value: string | number | null): string | null {
  return value === null ? null : String(value);
}

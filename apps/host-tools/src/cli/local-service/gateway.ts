import {
  banListSchema,
  banPointsListSchema,
  gatewayStatusSchema,
  type SessionView,
  sessionListSchema,
} from '@culvert/contracts';
import { z } from 'zod';
import type { ServerPlace } from '../commands.ts';
import { askService } from './local-service.ts';
import { gatewayService } from './services.ts';

/** The gateway of a server, asked at its administration socket. Everything rejects with a Failure. */
export class Gateway {
  readonly #service;

  constructor({ layout }: ServerPlace) {
    this.#service = gatewayService(layout);
  }

  status() {
    return askService(this.#service, { method: 'GET', path: '/status' }, gatewayStatusSchema);
  }

  /** Sessions in the order of their sign-in; those that are being ended only when asked for. */
  async sessions({ ending = false } = {}): Promise<SessionView[]> {
    const path = ending ? '/sessions?ending=true' : '/sessions';
    const { sessions } = await askService(this.#service, { method: 'GET', path }, sessionListSchema);
    return sessions.sort((left, right) => left.signedInAt - right.signedInAt);
  }

  async bans() {
    return (await askService(this.#service, { method: 'GET', path: '/bans' }, banListSchema)).bans;
  }

  banPoints() {
    return askService(this.#service, { method: 'GET', path: '/ban-points' }, banPointsListSchema);
  }

  /** Ends a session or all of a user; resolves to how many there were. */
  async disconnect(body: { session?: string; user?: string; message?: string }): Promise<number> {
    const asked = { method: 'POST', path: '/disconnect', body } as const;
    return (await askService(this.#service, asked, z.object({ disconnected: z.int() }))).disconnected;
  }

  /** Lifts a ban or all; resolves to how many there were. */
  async unban(body: { address: string } | { all: true }): Promise<number> {
    const asked = { method: 'POST', path: '/unban', body } as const;
    return (await askService(this.#service, asked, z.object({ lifted: z.int() }))).lifted;
  }
}

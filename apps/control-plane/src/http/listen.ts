import type { Server } from 'node:https';
import type { FastifyInstance } from 'fastify';
import { ConfigurationError } from '../configuration/load.ts';

/** Listens there. Rejects with a ConfigurationError that names the field below `field` when that cannot be. */
export async function listenOn(
  application: FastifyInstance<Server>,
  { host, port }: { host: string; port: number },
  field: string,
): Promise<void> {
  await application.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw listenFailure(error, host, port, field);
  });
}

function listenFailure(error: NodeJS.ErrnoException, host: string, port: number, field: string): Error {
  const place = `port ${port} of ${host}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigurationError(
        `${field}.port: another program has ${place}; stop it, or choose another port`,
      );
    case 'EACCES':
      return new ConfigurationError(`${field}.port: ${place} needs root; choose a port from 1024 on`);
    case 'EADDRNOTAVAIL':
      return new ConfigurationError(`${field}.address: this host has no address ${host}`);
    default:
      return error;
  }
}

import type { Server } from 'node:https';
import type { AgentAuthority } from '../agent-authority/authority.ts';
import { peerOf } from './peer.ts';

/** Connections at the same time of those who show no certificate of ours: servers that join, and whoever else comes by. */
const mostStrangers = 500;

/** Closes connections of strangers beyond a number, so that they leave room for agents. */
export function limitStrangers(
  server: Server,
  authority: Pick<AgentAuthority, 'pem'>,
  most = mostStrangers,
): void {
  let strangers = 0;
  server.on('secureConnection', (socket) => {
    if (peerOf(socket, authority).kind === 'ours') return;
    if (strangers >= most) {
      socket.destroy();
      return;
    }
    strangers += 1;
    socket.once('close', () => {
      strangers -= 1;
    });
  });
}

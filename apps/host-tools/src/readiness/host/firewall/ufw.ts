import type { Protocol, Reach } from './reach.ts';

const marker = '### tuple ### ';

/**
 * Whether ufw lets packets from anywhere come to a port: by the rules of `/etc/ufw/user.rules` in their order, then by
 * the policy (`DEFAULT_INPUT_POLICY`). A rule for certain sources or interfaces decides nothing for everybody.
 */
export function ufwReach(userRules: string, policy: string, protocol: Protocol, port: number): Reach {
  for (const line of userRules.split('\n').filter((text) => text.startsWith(marker))) {
    const fields = line.slice(marker.length).trim().split(/\s+/);
    const [action = '', ruleProtocol, ports = '', , sourcePort, source] = fields;
    // Rules for what is passed on begin with "route:"; behind the direction there may be a comment.
    if (action.includes(':') || !fields.slice(6).includes('in')) continue;
    if (source !== '0.0.0.0/0' || sourcePort !== 'any') continue;
    if (ruleProtocol !== 'any' && ruleProtocol !== protocol) continue;
    if (!holdsPort(ports, port)) continue;
    return action.startsWith('allow') || action.startsWith('limit') ? 'open' : 'closed';
  }
  return policy === 'ACCEPT' ? 'open' : 'closed';
}

function holdsPort(ports: string, port: number): boolean {
  if (ports === 'any') return true;
  return ports.split(',').some((part) => {
    const [from, to] = part.split(':').map(Number);
    return from !== undefined && from <= port && port <= (to ?? from);
  });
}

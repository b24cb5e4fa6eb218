import type { Protocol, Reach } from './reach.ts';

/** What a zone of firewalld lets in. */
export type Zone = Readonly<{
  target: string;
  ports: readonly string[];
  services: readonly string[];
  /** Rules with conditions of their own; what they let in is not judged. */
  hasRichRules: boolean;
}>;

/** Ports of the services that firewalld knows by a name and that an administrator may have chosen for the port. */
const servicePorts: Readonly<Record<string, readonly string[]>> = {
  https: ['443/tcp'],
  http3: ['443/udp'],
  openvpn: ['1194/udp'],
};

/** Reads `firewall-cmd --list-all`. */
export function zoneFromList(text: string): Zone {
  const words = (name: string) =>
    (new RegExp(`^\\s*${name}:[ \\t]*(.*)$`, 'm').exec(text)?.[1] ?? '').split(/\s+/).filter(Boolean);
  return {
    target: words('target')[0] ?? 'default',
    ports: words('ports'),
    services: words('services'),
    hasRichRules: /^\s*rich rules:\s*\S/m.test(text),
  };
}

/** Reads a file of `/etc/firewalld/zones`. */
export function zoneFromXml(xml: string): Zone {
  const attribute = (element: string, name: string) =>
    new RegExp(`\\b${name}="([^"]*)"`).exec(element)?.[1] ?? '';
  const elements = (name: string) => xml.match(new RegExp(`<${name}\\s[^>]*>`, 'g')) ?? [];
  return {
    target: attribute(elements('zone')[0] ?? '', 'target') || 'default',
    ports: elements('port').map(
      (element) => `${attribute(element, 'port')}/${attribute(element, 'protocol')}`,
    ),
    services: elements('service').map((element) => attribute(element, 'name')),
    hasRichRules: /<rule[\s>]/.test(xml),
  };
}

export function firewalldReach(
  { target, ports, services, hasRichRules }: Zone,
  protocol: Protocol,
  port: number,
): Reach {
  if (target === 'ACCEPT') return 'open';
  const opened = [...ports, ...services.flatMap((name) => servicePorts[name] ?? [])];
  const isOpen = opened.some((entry) => {
    const match = /^(\d+)(?:-(\d+))?\/(\w+)$/.exec(entry);
    if (match === null || match[3] !== protocol) return false;
    return Number(match[1]) <= port && port <= Number(match[2] ?? match[1]);
  });
  if (isOpen) return 'open';
  return hasRichRules ? 'unknown' : 'closed';
}

import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { acrossFields } from './across-fields.ts';
import type { Finding } from './findings/finding.ts';
import { isAddress } from './networks.ts';
import { scopeTagIds } from './scope-tags.ts';

/** Shortest time in which upgrades of a site may begin. */
const leastWindowMinutes = 60;

/** Ranges that no device outside of this host or cable can reach. */
const unreachable = new Set([
  'unspecified',
  'loopback',
  'linkLocal',
  'multicast',
  'broadcast',
  'reserved',
  'ipv4Mapped',
]);

/** A time of day, written as it is stored. */
export const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,7})?$/, {
    error: 'expected a time of day such as 22:00:00',
  })
  // Graph writes seven digits of a second.
  .transform((text) => `${text.slice(0, 8)}.${text.slice(9).padEnd(7, '0')}`);

const timeZone = z.string().max(64).refine(isTimeZone, {
  error: 'expected the name of a time zone such as Europe/Berlin or Asia/Tokyo',
});

function isTimeZone(name: string): boolean {
  // Offsets such as +01:00 are accepted by the engine, and follow no daylight saving.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const publicAddress = z
  .string()
  .max(253)
  .check((context) => {
    const problem = explainPublicAddress(context.value);
    if (problem !== undefined)
      context.issues.push({ code: 'custom', message: problem, input: context.value });
  });

/** Why devices cannot find a site at this address, or undefined when they can. */
export function explainPublicAddress(text: string): string | undefined {
  if (isAddress(text)) {
    const range = ipaddr.parse(text).range();
    return unreachable.has(range)
      ? `devices cannot reach ${text} (${range}): use the address of the public side`
      : undefined;
  }
  if (!/^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/.test(text) || /(^|\.)-|-(\.|$)/.test(text)) {
    return 'expected a name or an address that devices can reach, such as vpn.example.com';
  }
  const labels = text.split('.');
  if (labels.length === 1)
    return `"${text}" has no domain: devices cannot resolve it; write the full name, such as vpn.example.com`;
  if (/^\d+$/.test(labels.at(-1) ?? ''))
    return `"${text}" is not an IP address and cannot be a name, because it ends with a number`;
  return undefined;
}

/** The properties of a site, each with its default and its rule. */
export const siteShape = {
  displayName: z.string().min(1).max(200),
  description: z.string().max(1000).default(''),
  /** Name or address that devices connect to: one server or a balancer. Must stand in the certificate. */
  publicAddress,
  /** Minutes to add to UTC. Where a time zone is given it wins, and this shows its present offset. */
  upgradeWindowUtcOffsetInMinutes: z.int().min(-720).max(840).nullable().default(null),
  upgradeWindowStartTime: timeOfDay.nullable().default(null),
  upgradeWindowEndTime: timeOfDay.nullable().default(null),
  /** A time zone of the IANA list, of our own: with it the window follows daylight saving. */
  upgradeWindowTimeZone: timeZone.nullable().default(null),
  upgradeAutomatically: z.boolean().default(true),
  /** Every server of the site asks for it, to tell whether it reaches the internal network. */
  internalNetworkProbeUrl: z
    .url({
      protocol: /^https?$/,
      error: 'expected an http or https address, such as http://intranet.example.com/',
    })
    .max(1024)
    .nullable()
    .default(null),
  roleScopeTagIds: scopeTagIds.min(1).default(['0']),
};

const windowFields = {
  upgradeWindowStartTime: z.string().nullish(),
  upgradeWindowEndTime: z.string().nullish(),
  upgradeWindowTimeZone: z.string().nullish(),
  upgradeWindowUtcOffsetInMinutes: z.number().nullish(),
};

/** A site: names and rules of `microsoftTunnelSite` (Graph beta), and a time zone of our own. */
export const siteSchema = z.strictObject(siteShape).check(
  acrossFields(windowFields, (window, report) => {
    const { upgradeWindowStartTime: start, upgradeWindowEndTime: end } = window;
    const hasZone = (window.upgradeWindowTimeZone ?? window.upgradeWindowUtcOffsetInMinutes ?? null) !== null;
    if ((start ?? null) === null && (end ?? null) === null) return;
    if ((start ?? null) === null)
      report(['upgradeWindowStartTime'], 'is needed beside upgradeWindowEndTime', start);
    else if ((end ?? null) === null)
      report(['upgradeWindowEndTime'], 'is needed beside upgradeWindowStartTime', end);
    else if (windowMinutes(start ?? '', end ?? '') < leastWindowMinutes) {
      report(
        ['upgradeWindowEndTime'],
        `the window must be at least ${leastWindowMinutes} minutes long; it may end after midnight`,
        end,
      );
    }
    if (!hasZone) {
      report(
        ['upgradeWindowTimeZone'],
        'is needed for a window: name a time zone such as Asia/Tokyo, or give upgradeWindowUtcOffsetInMinutes',
        null,
      );
    }
  }),
);

/** A validated site with every default filled in. */
export type Site = z.output<typeof siteSchema>;

/** Minutes from one time of day to the next occurrence of another. */
export function windowMinutes(start: string, end: string): number {
  const minutes = (text: string) =>
    Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5)) + Number(text.slice(6, 8)) / 60;
  return (minutes(end) - minutes(start) + 24 * 60) % (24 * 60);
}

/** Settings of a site that are allowed and yet rarely meant. */
export function siteWarnings({ publicAddress: address }: Pick<Site, 'publicAddress'>): Finding[] {
  if (!isAddress(address)) return [];
  const range = ipaddr.parse(address).range();
  if (range === 'unicast') return [];
  return [
    {
      path: 'publicAddress',
      message: `${address} is a private address: devices reach it only from networks that have a route to it`,
    },
  ];
}

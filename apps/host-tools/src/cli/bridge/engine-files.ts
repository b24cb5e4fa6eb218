import { z } from 'zod';
import { Failure } from '../../program/failure.ts';
import type { BridgeNetwork } from './bridge-network.ts';
import { type JsonPath, setInJson } from './json-text.ts';

/** `/etc/docker/daemon.json` with another `bip`; the text of a file that is not there is empty. Throws a Failure for what is no JSON. */
export function setDockerBridge(file: string, text: string, { network, gateway }: BridgeNetwork): string {
  const document = text.trim() === '' ? '{}\n' : text;
  const parsed = z.record(z.string(), z.unknown()).safeParse(parse(file, document));
  const prefix = network.split('/')[1];
  const after = parsed.success ? setInJson(document, ['bip'], `${gateway}/${prefix}`) : undefined;
  if (after === undefined) throw otherForm(file);
  return after;
}

const range = z.looseObject({ subnet: z.string(), gateway: z.string().optional() });
const cniSchema = z.looseObject({
  plugins: z.array(
    z.looseObject({
      type: z.string(),
      ipam: z
        .looseObject({ subnet: z.string().optional(), ranges: z.array(z.array(range)).optional() })
        .optional(),
    }),
  ),
});

/** A CNI file (`87-podman-bridge.conflist`) with another network of its bridge. Throws a Failure for one in another form. */
export function setCniBridge(file: string, text: string, bridge: BridgeNetwork): string {
  const parsed = cniSchema.safeParse(parse(file, text));
  const index = parsed.data?.plugins.findIndex(({ type }) => type === 'bridge') ?? -1;
  const ipam = parsed.data?.plugins[index]?.ipam;
  if (ipam === undefined) throw otherForm(file);
  const place: JsonPath = ['plugins', index, 'ipam'];
  const ranges = ipam.ranges ?? [];
  const rangeSet = ranges.findIndex((set) => isIpv4(set[0]?.subnet));
  if (ipam.subnet !== undefined) return setSubnet(file, text, place, bridge);
  if (rangeSet < 0) throw otherForm(file);
  return setSubnet(file, text, [...place, 'ranges', rangeSet, 0], bridge);
}

const netavarkSchema = z.looseObject({ subnets: z.array(range) });

/** A netavark file (`podman.json`) with another IPv4 network. Throws a Failure for one in another form. */
export function setNetavarkBridge(file: string, text: string, bridge: BridgeNetwork): string {
  const parsed = netavarkSchema.safeParse(parse(file, text));
  const index = parsed.data?.subnets.findIndex(({ subnet }) => isIpv4(subnet)) ?? -1;
  if (index < 0) throw otherForm(file);
  return setSubnet(file, text, ['subnets', index], bridge);
}

const inspected = z
  .array(
    z.looseObject({
      name: z.literal('podman'),
      id: z.string(),
      driver: z.string(),
      network_interface: z.string(),
      created: z.string(),
      subnets: z.array(range),
      ipv6_enabled: z.boolean(),
      internal: z.boolean(),
      dns_enabled: z.boolean(),
      ipam_options: z.record(z.string(), z.string()).optional(),
    }),
  )
  .length(1);

/**
 * The file of Podman's own network, which has none until something is changed, from what `podman network inspect podman` tells.
 * Throws a Failure when it tells something else.
 */
export function explicitNetavarkNetwork(file: string, answer: string): string {
  const parsed = inspected.safeParse(parse(file, answer));
  const [network] = parsed.data ?? [];
  if (network === undefined) throw otherForm(file);
  const {
    name,
    id,
    driver,
    network_interface,
    created,
    subnets,
    ipv6_enabled,
    internal,
    dns_enabled,
    ipam_options,
  } = network;
  const document = {
    name,
    id,
    driver,
    network_interface,
    created,
    subnets,
    ipv6_enabled,
    internal,
    dns_enabled,
    ipam_options,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function setSubnet(file: string, text: string, place: JsonPath, { network, gateway }: BridgeNetwork): string {
  const subnet = setInJson(text, [...place, 'subnet'], network);
  const after = subnet === undefined ? undefined : setInJson(subnet, [...place, 'gateway'], gateway);
  if (after === undefined) throw otherForm(file);
  return after;
}

const isIpv4 = (subnet: string | undefined) => subnet !== undefined && !subnet.includes(':');

/** Engines read nothing but JSON here, and comments would be lost with any other reading. */
function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { line, what } = explainJson(text, error);
    throw new Failure(
      {
        en: `${file}, line ${line}: it is no JSON${what.en}. Correct the file and run this again; it was not changed.`,
        ja: `${file} の ${line} 行目: JSON として正しくありません${what.ja}。ファイルを修正してから、もう一度実行してください (変更していません)。`,
      },
      { cause: error },
    );
  }
}

function explainJson(text: string, error: unknown): { line: number; what: { en: string; ja: string } } {
  const position = Number(
    /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1] ?? text.length,
  );
  const line = text.slice(0, position).split('\n').length;
  const here = text.slice(position).trimStart();
  const before = text.slice(0, position).trimEnd();
  if (/^(\/[/*]|#)/.test(here))
    return { line, what: { en: ' (comments are not allowed)', ja: ' (コメントは使用できません)' } };
  if (before.endsWith(',') && /^[\]}]/.test(here)) {
    return {
      line,
      what: { en: ' (there is a comma before the end)', ja: ' (末尾に余分なコンマがあります)' },
    };
  }
  return { line, what: { en: '', ja: '' } };
}

function otherForm(file: string): Failure {
  return new Failure({
    en: `${file} has another form than this program knows, so it is not changed. Change its network by hand.`,
    ja: `${file} の形式が想定と異なるため、変更していません。ネットワークは手動で変更してください。`,
  });
}

import { isAddress } from '@culvert/contracts';
import { z } from 'zod';
import { parseJson } from './engine-versions.ts';

/** A network that a container engine keeps for containers, and the file that says so; `bridge` is its interface. */
export type ContainerNetwork = Readonly<{ network: string; place: string; bridge?: string }>;

const range = z.looseObject({ subnet: z.string() });
const cniSchema = z.looseObject({
  plugins: z.array(
    z.looseObject({
      bridge: z.string().optional(),
      ipam: z
        .looseObject({ subnet: z.string().optional(), ranges: z.array(z.array(range)).optional() })
        .optional(),
    }),
  ),
});
const netavarkSchema = z.looseObject({
  network_interface: z.string().optional(),
  subnets: z.array(range).optional(),
});

/** IPv4 networks of a CNI file (`/etc/cni/net.d/*.conflist`), none when it is in another form. */
export function cniNetworks(text: string, place: string): ContainerNetwork[] {
  const parsed = cniSchema.safeParse(parseJson(text));
  if (!parsed.success) return [];
  return parsed.data.plugins.flatMap(({ bridge, ipam }) =>
    [ipam?.subnet, ...(ipam?.ranges ?? []).flat().map(({ subnet }) => subnet)].flatMap((subnet) =>
      asNetwork(subnet, place, bridge),
    ),
  );
}

/** IPv4 networks of a netavark file (`/etc/containers/networks/*.json`), none when it is in another form. */
export function netavarkNetworks(text: string, place: string): ContainerNetwork[] {
  const parsed = netavarkSchema.safeParse(parseJson(text));
  if (!parsed.success) return [];
  const { network_interface, subnets } = parsed.data;
  return (subnets ?? []).flatMap(({ subnet }) => asNetwork(subnet, place, network_interface));
}

/** `default_subnet` of a containers.conf(5), the network of Podman's own bridge. */
export function defaultSubnetIn(containersConf: string): string | undefined {
  const match = /^\s*default_subnet\s*=\s*"([^"]*)"/m.exec(containersConf);
  return networkOf(match?.[1] ?? '');
}

/** The network of an IPv4 address with prefix length, host bits cleared: `192.168.128.1/24` is in `192.168.128.0/24`. */
export function networkOf(addressWithPrefix: string): string | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(addressWithPrefix);
  const [address = '', prefix] = [match?.[1], Number(match?.[2])];
  if (!isAddress(address, 'ipv4') || prefix > 32) return undefined;
  const network = address.split('.').map((part, index) => {
    const bits = Math.min(8, Math.max(0, prefix - index * 8));
    return Number(part) & (0xff << (8 - bits)) & 0xff;
  });
  return `${network.join('.')}/${prefix}`;
}

function asNetwork(
  subnet: string | undefined,
  place: string,
  bridge: string | undefined,
): ContainerNetwork[] {
  const network = networkOf(subnet ?? '');
  if (network === undefined) return [];
  return [{ network, place, ...(bridge === undefined ? {} : { bridge }) }];
}

/** What a number of devices needs. Each server has `cpus` and `memoryGb`; `diskGb` is for each server too. */
export type Sizing = Readonly<{
  devices: number;
  cpus: number;
  memoryGb: number;
  servers: number;
  sites: number;
  diskGb: number;
}>;

/** The sizing table of the prerequisites: a row is enough for up to so many devices. */
export const sizingTable = [
  { devices: 1_000, cpus: 4, memoryGb: 4, servers: 1 },
  { devices: 2_000, cpus: 4, memoryGb: 4, servers: 1 },
  { devices: 5_000, cpus: 8, memoryGb: 8, servers: 2 },
  { devices: 10_000, cpus: 8, memoryGb: 8, servers: 3 },
  { devices: 20_000, cpus: 8, memoryGb: 8, servers: 4 },
  { devices: 40_000, cpus: 8, memoryGb: 8, servers: 8 },
] as const;

const sites = 1;
const diskGb = 30;

/** The last two rows of the table both have so many devices for each server; past the table it goes on like that. */
const devicesPerServer = 5_000;

/**
 * The size for `devices` (a whole number, at least 1): the first row of the table that covers them, because a
 * smaller row would promise more than the table does; past the last row servers of its size, one for each 5,000 devices.
 */
export function sizingFor(devices: number): Sizing {
  const row = sizingTable.find((candidate) => candidate.devices >= devices);
  if (row !== undefined) {
    return { devices, cpus: row.cpus, memoryGb: row.memoryGb, servers: row.servers, sites, diskGb };
  }
  return { devices, cpus: 8, memoryGb: 8, servers: Math.ceil(devices / devicesPerServer), sites, diskGb };
}

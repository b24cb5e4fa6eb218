/** Editions of the original's list of Linux distributions, oldest first. */
export const editions = ['2024-01', '2025-04', '2026-08', '2026-09'] as const;
export type Edition = (typeof editions)[number];

/** One row: a distribution in the versions `from` to `to`, and the container engine that the original wants there. */
export type SupportRow = Readonly<{
  distribution: 'centos' | 'rhel' | 'ubuntu';
  from: string;
  to: string;
  engine: 'docker' | 'podman';
  /** The engine's version where the row names one. */
  engineVersion?: string;
  /** Editions that list the row. */
  editions: readonly Edition[];
  /** Last month of support, `YYYY-MM`. */
  supportEnd?: string;
}>;

const all: readonly Edition[] = editions;
const [first, second, third, fourth] = editions;
const rhel = (
  version: string,
  engineVersion: string | undefined,
  listed: readonly Edition[],
  supportEnd?: string,
): SupportRow => ({
  distribution: 'rhel',
  from: version,
  to: version,
  engine: 'podman',
  ...(engineVersion === undefined ? {} : { engineVersion }),
  editions: listed,
  ...(supportEnd === undefined ? {} : { supportEnd }),
});
const ubuntu = (version: string, listed: readonly Edition[], supportEnd?: string): SupportRow => ({
  distribution: 'ubuntu',
  from: version,
  to: version,
  engine: 'docker',
  editions: listed,
  ...(supportEnd === undefined ? {} : { supportEnd }),
});

/** Every row that any edition has. */
export const supportMatrix: readonly SupportRow[] = [
  {
    distribution: 'centos',
    from: '7.4',
    to: '7.9',
    engine: 'docker',
    editions: [first],
    supportEnd: '2024-06',
  },
  {
    distribution: 'rhel',
    from: '7.4',
    to: '7.9',
    engine: 'docker',
    editions: [first],
    supportEnd: '2024-06',
  },
  rhel('8.6', '4.0', [first], '2024-06'),
  rhel('8.7', '4.2', [first]),
  rhel('8.8', '4.4.1', [first]),
  rhel('8.9', '4.4.1', [first, second, third], '2025-11'),
  rhel('8.10', '4.9.4', all),
  rhel('9.0', '4.4.1', [first], '2024-06'),
  rhel('9.1', '4.4.1', [first]),
  rhel('9.2', '4.4.1', [first]),
  rhel('9.3', '4.6.1', [first, second, third], '2025-11'),
  rhel('9.4', '4.9.4', [first, second, third], '2025-11'),
  rhel('9.5', '5.2.2', [second, third, fourth]),
  rhel('9.6', '5.4.0', [second, third, fourth]),
  rhel('9.7', '5.8.2', [third, fourth]),
  rhel('9.8', '5.8.2', [third, fourth]),
  rhel('10.0', '5.4.0', [second, third, fourth]),
  rhel('10.1', undefined, [fourth]),
  rhel('10.2', undefined, [fourth]),
  ubuntu('18.04', [], '2023-04'),
  ubuntu('20.04', [first]),
  ubuntu('22.04', [first, second]),
  ubuntu('24.04', [second, third, fourth]),
  ubuntu('26.04', [third, fourth]),
];

/** The engine versions below which nothing is expected to work. */
export const oldestEngines = { docker: '19.03', podman: '3.0' } as const;

/** Rootless containers: RHEL and Podman from these versions, and space for images in `/home`. */
export const rootlessNeeds = { rhel: '8.8', podman: '4.6.1', homeFreeGb: 10, peakMbps: 230 } as const;

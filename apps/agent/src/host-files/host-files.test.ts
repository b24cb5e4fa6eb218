import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverConfigurationSchema } from '@culvert/contracts';
import { expect, test } from 'vitest';
import { hostPaths } from '../host-paths.ts';
import { type ToldState, writeHostFiles } from './host-files.ts';

const state: ToldState = {
  membership: {
    serverId: 's1',
    siteId: 'site',
    displayName: 'gw-tokyo',
    url: 'https://control.test:8444',
    authority: 'PEM',
  },
  certificate: { notAfter: new Date('2027-02-23T00:00:00Z'), renewalAt: new Date('2027-01-24T00:00:00Z') },
  applied: undefined,
};
const configuration = {
  revision: '0123456789abcdef',
  publicAddress: 'vpn.test',
  serverConfiguration: serverConfigurationSchema.parse({
    displayName: 'HQ',
    network: '10.70.0.0/16',
    dnsServers: ['10.60.0.53'],
  }),
};

test('the host is told of the membership, and of the configuration as soon as it is in use', async () => {
  const paths = hostPaths(mkdtempSync(join(tmpdir(), 'culvert-')));
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
  await writeHostFiles(paths, state);
  expect(read(paths.agentInfoFile)).toEqual({
    AgentId: 's1',
    SiteId: 'site',
    DisplayName: 'gw-tokyo',
    ControlPlane: 'https://control.test:8444',
    CertificateExpirationDate: '2027-02-23T00:00:00.000Z',
    RenewalDate: '2027-01-24T00:00:00.000Z',
  });
  expect(() => statSync(paths.adminSettingsFile)).toThrow();
  await writeHostFiles(paths, { ...state, applied: configuration });
  expect(read(paths.adminSettingsFile)).toEqual(configuration);
  const { ino, mode } = statSync(paths.adminSettingsFile);
  expect(mode & 0o777).toBe(0o640);
  // What says the same stays the same file.
  await writeHostFiles(paths, { ...state, applied: configuration });
  expect(statSync(paths.adminSettingsFile).ino).toBe(ino);
});

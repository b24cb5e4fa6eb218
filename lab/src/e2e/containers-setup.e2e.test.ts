import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContainerLab } from '../containers/container-lab.ts';

const tools = '/tmp/wt/setup/dist/host-tools';
describe('setup', () => {
  let lab: ContainerLab;
  beforeAll(async () => {
    lab = await ContainerLab.start({ engine: 'docker', controlPlane: true });
  });
  afterAll(async () => {
    await lab?.dismissClients();
    await lab?.remove();
  });
  test('unattended', async () => {
    const token = await lab.management.createJoinToken();
    const certificate = await lab.authority.issueSite();
    const setup = (...words: string[]) =>
      lab.host.attempt([`${tools}/mstunnel-setup`, ...words], {
        environment: { mst_no_prompt: '1' },
        timeoutMilliseconds: 300_000,
      });
    let out = await setup();
    console.log(out);
    out = await setup('--accept-licence');
    console.log(out);
    lab.host.writeFile(
      '/etc/mstunnel/certs/site.crt',
      readFileSync(certificate.chainFile, 'utf8') + readFileSync(lab.authority.rootFile, 'utf8'),
    );
    lab.host.writeFile('/etc/mstunnel/private/site.key', readFileSync(certificate.privateKeyFile, 'utf8'));
    out = await setup();
    console.log(out);
    out = await setup('--join-token', token);
    console.log(out);
    console.log(
      (
        await lab.host.attempt([
          'sh',
          '-c',
          'ls -la /etc/mstunnel /etc/mstunnel/*; cat /etc/mstunnel/gateway.json /etc/mstunnel/*.json; docker ps -a; docker logs mstunnel-server; docker logs mstunnel-agent; cat /var/log/mstunnel/*; cat /etc/mstunnel/log/*',
        ])
      ).stdout,
    );
    out = await setup();
    console.log(out);
    expect(out.code).toBe(0);
  }, 400_000);
});

import { expect, test } from 'vitest';
import { frame, handMadeSignIn, handMadeTunnels, udpPacket } from '../hostile/hand-made.ts';
import { serverKind } from '../lab.ts';
import { corpAddress, gatewayAddress, gatewayName } from '../network/network.ts';
import { labAccounts } from '../server/server.ts';
import { useLab } from './use-lab.ts';

const lab = useLab();
const onlyProduct = test.runIf(serverKind === 'culvert');

const device = () => lab().network.device.namespace;
const signIn = () => handMadeSignIn(device(), 'alice', labAccounts.alice);

const question = frame(3, 'c0ffee');
const answer = frame(4, 'c0ffee');

onlyProduct('a packet of 9000 bytes, far above the MTU, arrives whole, and so does its answer', async () => {
  const cookie = await signIn();
  const headers = [cookie, 'X-CSTP-Full-IPv6-Capability: true'];
  const open = async (...records: string[]) => {
    const outcomes = await handMadeTunnels(device(), { only: { headers, records } });
    return outcomes[0]?.[1];
  };
  // The session keeps its address from tunnel to tunnel.
  const address = (await open())?.headers['X-CSTP-Address'] ?? '';
  expect(address).toMatch(/^10\.70\./);
  const packet = udpPacket(address, corpAddress, 7, Buffer.alloc(8_972, 0xab));
  expect(packet.length).toBe(9_000);
  const outcome = await open(frame(0, packet.toString('hex')), question);
  expect(outcome?.closed).toBe(false);
  expect(outcome?.received).toContain(answer);
  // The echo comes back in pieces that fit the tunnel, with nothing lost.
  const echoed = outcome?.received.match(/(ab)+/g)?.reduce((sum, run) => sum + run.length / 2, 0) ?? 0;
  expect(echoed).toBeGreaterThanOrEqual(8_972);
  expect(echoed).toBeLessThan(9_000);
});

onlyProduct(
  'a client may renew its TLS 1.3 keys in the middle of a tunnel, and gets new ones back',
  async () => {
    const cookie = await signIn();
    const request = [
      // s_client takes a line that begins with C or K for a command.
      '',
      'CONNECT /CSCOSSLC/tunnel HTTP/1.1',
      `Host: ${gatewayName}`,
      cookie,
      'X-CSTP-Version: 1',
      'X-CSTP-Address-Type: IPv4',
      '',
      '',
    ].join('\r\n');
    const ask = question.replace(/../g, '\\x$&');
    // K sends a KeyUpdate that asks for one in return. Twice, so that the second is under keys of the first.
    const input = `printf %s '${request}'; sleep 1; printf '${ask}'; sleep 1;
    for round in 1 2; do echo K; sleep 1; printf '${ask}'; sleep 1; done`;
    const client = `openssl s_client -connect ${gatewayAddress}:443 -servername ${gatewayName} -tls1_3 -msg`;
    const { stdout, stderr } = await device().attempt(['bash', '-c', `(${input}) | ${client}`]);
    const text = stdout + stderr;
    expect(text).toContain('HTTP/1.1 200 CONNECTED');
    expect(text.match(/>>> .*KeyUpdate/g)).toHaveLength(2);
    expect(text.match(/<<< .*KeyUpdate/g)).toHaveLength(2);
    // All three questions were answered, two of them under new keys both ways.
    expect(text.split(Buffer.from(answer.slice(0, 14), 'hex').toString('latin1'))).toHaveLength(4);
    await lab().culvert.command('disconnect', '--user', 'alice');
  },
);

import type { Namespace } from '../network/namespace.ts';

const program = `
const socket = require('node:dgram').createSocket(process.argv[1].includes(':') ? 'udp6' : 'udp4');
let text = '';
process.stdin.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', async () => {
  for (const line of text.split('\\n').filter(Boolean)) {
    await new Promise((done) => socket.send(Buffer.from(line, 'hex'), Number(process.argv[2]), process.argv[1], done));
  }
  socket.close();
});`;

/** Sends datagrams, all from one port that the system chooses. */
export async function sendUdp(
  from: Namespace,
  address: string,
  port: number,
  datagrams: readonly Buffer[],
): Promise<void> {
  await from.run([process.execPath, '--eval', program, address, String(port)], {
    input: datagrams.map((datagram) => datagram.toString('hex')).join('\n'),
  });
}

/**
 * The corporate host: an intranet web server on port 80 and an echo service on UDP port 7. Both tell who they
 * were asked by, because that is how source NAT shows. Run inside the corporate namespace.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import { intranetPage } from './intranet.ts';

const plain = (address: string | undefined) => address?.replace(/^::ffff:/, '') ?? '';

const web = createServer((request, response) => {
  if (request.url === '/who') {
    response.end(plain(request.socket.remoteAddress));
  } else if (request.url === '/') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(intranetPage);
  } else {
    response.statusCode = 404;
    response.end('not here\n');
  }
});
web.listen(80, '::', () => console.log('web ready'));

const echo = createSocket('udp6');
echo.on('message', (message, peer) => {
  // "who" is answered with the asker's address, everything else with itself.
  const answer = message.toString() === 'who' ? Buffer.from(plain(peer.address)) : message;
  echo.send(answer, peer.port, peer.address);
});
echo.bind(7, '::', () => console.log('echo ready'));

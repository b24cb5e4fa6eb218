import { expect, test } from 'vitest';
import { connectResponse, parseHttpDump } from './http-dump.ts';
import { ScriptCall } from './script-calls.ts';

const log = `> CONNECT /CSCOSSLC/tunnel HTTP/1.1
> Host: vpn.test
Got CONNECT response: HTTP/1.1 200 CONNECTED
X-CSTP-Version: 1
X-CSTP-Split-Include: 10.60.0.0/255.255.0.0
X-CSTP-Split-Include: 10.61.0.0/255.255.0.0
X-CSTP-Banner: Welcome: all
CSTP connected. DPD 30, Keepalive 20
< <auth id="main">
`;

test('the answer to CONNECT is read from a log in its order, with headers that come twice', () => {
  expect(connectResponse(log)).toEqual({
    status: 'HTTP/1.1 200 CONNECTED',
    headers: [
      ['X-CSTP-Version', '1'],
      ['X-CSTP-Split-Include', '10.60.0.0/255.255.0.0'],
      ['X-CSTP-Split-Include', '10.61.0.0/255.255.0.0'],
      ['X-CSTP-Banner', 'Welcome: all'],
    ],
  });
});

test('the newest answer counts, and a log without one has none', () => {
  const again = `${log}Got CONNECT response: HTTP/1.1 503 Service Unavailable\nX-Reason: starting\n`;
  expect(connectResponse(again)).toEqual({
    status: 'HTTP/1.1 503 Service Unavailable',
    headers: [['X-Reason', 'starting']],
  });
  expect(connectResponse('nothing').headers).toEqual([]);
});

test('dumped lines are told apart by their direction', () => {
  expect(parseHttpDump(log).map((line) => line.direction)).toEqual(['sent', 'sent', 'received']);
});

test('routes of both families are read from the environment of the script', () => {
  const call = new ScriptCall({
    CISCO_SPLIT_INC: '1',
    CISCO_SPLIT_INC_0_ADDR: '10.60.0.0',
    CISCO_SPLIT_INC_0_MASKLEN: '16',
    CISCO_IPV6_SPLIT_INC: '1',
    CISCO_IPV6_SPLIT_INC_0_ADDR: 'fd60::',
    CISCO_IPV6_SPLIT_INC_0_MASKLEN: '64',
  });
  expect(call.routes('include')).toEqual(['10.60.0.0/16', 'fd60::/64']);
  expect(call.routes('exclude')).toEqual([]);
});

import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import type { GatewayLogLevel } from './verbose-logs.ts';

const patienceMilliseconds = 5000;

/** The level of the gateway's log, over its `admin.sock`. */
export function gatewayLogLevel(socketPath: string): GatewayLogLevel {
  return {
    send: (method, body) =>
      new Promise((resolve, reject) => {
        const headers = body === undefined ? {} : { 'content-type': 'application/json' };
        const signal = AbortSignal.timeout(patienceMilliseconds);
        const sent = request(
          { socketPath, method, path: '/log-level', headers, agent: false, signal },
          (response) => {
            if (response.statusCode === 200) json(response).then(resolve, reject);
            else reject(new Error(`the gateway answers with status ${response.statusCode}`));
          },
        );
        sent.on('error', reject);
        sent.end(body === undefined ? undefined : JSON.stringify(body));
      }),
  };
}

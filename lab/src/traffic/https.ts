import type { Namespace } from '../network/namespace.ts';
import { gatewayAddress, gatewayName } from '../network/network.ts';

export interface HttpAnswer {
  status: number;
  /** Header lines as they came. */
  head: string;
  body: string;
  /** Seconds from the sent request to the first byte of the answer. */
  seconds: number;
}

export interface HttpRequest {
  path?: string;
  method?: string;
  headers?: readonly string[];
  body?: string;
  authoritiesFile: string;
  port?: number;
  extra?: readonly string[];
}

const mark = '\n--culvert-lab-answer--';

/** One request to the gateway with curl. */
export async function request(from: Namespace, request: HttpRequest): Promise<HttpAnswer> {
  const { path = '/', method = 'GET', headers = [], body, port = 443 } = request;
  const { stdout } = await from.run([
    ...['curl', '--silent', '--show-error', '--http1.1', '--include', '--max-time', '30'],
    ...['--cacert', request.authoritiesFile, '--resolve', `${gatewayName}:${port}:${gatewayAddress}`],
    ...(method === 'HEAD' ? ['--head'] : ['--request', method]),
    ...headers.flatMap((header) => ['--header', header]),
    ...(body === undefined ? [] : ['--data-binary', body]),
    ...['--write-out', `${mark}%{http_code} %{time_starttransfer} %{time_pretransfer}`],
    ...(request.extra ?? []),
    `https://${gatewayName}:${port}${path}`,
  ]);
  const [answer = '', numbers = ''] = stdout.split(mark);
  const [status = 0, start = 0, sent = 0] = numbers.split(' ').map(Number);
  const end = answer.indexOf('\r\n\r\n');
  return { status, head: answer.slice(0, end), body: answer.slice(end + 4), seconds: start - sent };
}

// Asks GET /status at a socket: node health.mjs SOCKET [engine]. Status 0 when it is well, 1 with a reason when not.
import { request } from 'node:http';

const [socketPath, wanted] = process.argv.slice(2);
const patienceMilliseconds = 5000;

function end(problem) {
  console.log(problem ?? 'well');
  process.exit(problem === undefined ? 0 : 1);
}

function judge(status, text) {
  if (status !== 200) return `it answers with status ${status}`;
  if (wanted === 'engine' && JSON.parse(text).engine?.connected !== true) return 'there is no engine';
  return undefined;
}

const sent = request({ socketPath, path: '/status', timeout: patienceMilliseconds }, async (response) => {
  const text = Buffer.concat(await response.toArray()).toString('utf8');
  end(judge(response.statusCode, text));
});
sent.on('timeout', () => end(`it does not answer in ${patienceMilliseconds / 1000} seconds`));
sent.on('error', (error) => end(error.message));
sent.end();

/** pvr-endpoint from its arguments to its exit code: what a device answers on port 12368 (appengine.md, part C). */
import type { ServerHost } from '../host/ports.ts';
import { reasonOf } from '../pvtx/failure.ts';
import { whyRefused } from './guard.ts';
import { type Answer, HttpServer, Refusal, type Request } from './http-server.ts';
import { answerLogs } from './log-files.ts';
import { answerPage } from './page.ts';
import { Remote } from './remote.ts';
import { readSettings, type Settings } from './settings.ts';
import { Transactions } from './transactions.ts';

const help = `Usage: pvr-endpoint [OPTION]...

Serves a device to pvr, to pvtx over HTTP and to a browser, from the control socket: in a container with the role mgmt.
It listens on loopback unless config.json has {"httpd":{"listen":"0.0.0.0","port":"12368"}}, or the kernel's command
line pvrsdk_httpd_listen=0.0.0.0. There is no password: who reaches the port manages the device.

  --config FILE   default /etc/pvr-sdk/config.json
  --listen IP     instead of what is configured
  --port N        the same, 0 for any
  --app FOLDER    files of the web page; default /usr/share/pvr-sdk/app
  --logs FOLDER   default /pantavisor/logs
  -h, --help      this text

Environment: PVTXDIR, default /var/pvr-sdk/pvtx, and PV_CTRL_SOCKET, as of pvtx and pvcontrol.

Example: pvr-endpoint --listen 0.0.0.0, then on another machine: pvr clone http://DEVICE:12368/cgi-bin/pvr
`;

/** Milliseconds without a byte after which a connection is given up. */
const idle = 600_000;
const options = ['config', 'listen', 'port', 'app', 'logs'] as const;

/** In front of what every answer has: nobody else may show it in a frame, or guess what it is. */
const safety: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
};

/** Runs until it is ended. @returns the exit code when it cannot begin, else never resolves */
export async function runEndpoint(argv: readonly string[], host: ServerHost): Promise<number> {
  const given: Partial<Record<(typeof options)[number], string>> = {};
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index]!;
    const name = options.find((each) => word === `--${each}`);
    if (word === '-h' || word === '--help') {
      host.stdout.write(help);
      return 0;
    }
    const value = argv[++index];
    if (!name || value === undefined) {
      host.stderr.write(`pvr-endpoint: cannot use ${word}; see --help\n`);
      return 1;
    }
    given[name] = value;
  }
  try {
    const settings = await settingsOf(host, given);
    const server = new HttpServer(host, createHandler(host, settings, given.app, given.logs));
    const port = await host.listen(settings.listen, settings.port, idle, (connection) => void server.serve(connection));
    host.stdout.write(`listening on ${settings.listen}:${port}\n`);
  } catch (error) {
    host.stderr.write(`pvr-endpoint: cannot listen: ${reasonOf(error)}\n`);
    return 1;
  }
  return new Promise(() => {});
}

async function settingsOf(
  host: ServerHost,
  given: { config?: string; listen?: string; port?: string },
): Promise<Settings> {
  const path = given.config ?? '/etc/pvr-sdk/config.json';
  const config = host.files.exists(path) ? await host.files.readText(path) : undefined;
  const commandLine = await host.files.readText('/proc/cmdline').catch(() => '');
  let settings: Settings;
  try {
    settings = readSettings(config, commandLine);
  } catch (error) {
    throw new Error(`${path}: ${reasonOf(error)}`, { cause: error });
  }
  return {
    ...settings,
    ...(given.listen === undefined ? {} : { listen: given.listen }),
    ...(given.port === undefined ? {} : { port: Number(given.port) }),
  };
}

/** What answers a request, with the guard in front. */
export function createHandler(
  host: ServerHost,
  { hosts }: Pick<Settings, 'hosts'>,
  app = '/usr/share/pvr-sdk/app',
  logs = '/pantavisor/logs',
): (request: Request) => Promise<Answer> {
  const remote = new Remote(host, host.secret());
  const transactions = new Transactions(host, host.environment.PVTXDIR ?? '/var/pvr-sdk/pvtx');
  const find = async (request: Request): Promise<Answer> =>
    (await remote.answer(request)) ??
    (await transactions.answer(request)) ??
    (await answerLogs(host, logs, request)) ??
    (await answerPage(host, app, request)) ??
    notFound(request);
  return async (request) => {
    const refusal = whyRefused(request, hosts);
    const answer = refusal === undefined ? await find(request).catch(failed(host)) : refused(new Refusal(403, refusal));
    return { ...answer, headers: { ...safety, ...answer.headers } };
  };
}

function notFound({ method, path }: Request): never {
  throw new Refusal(404, `there is no ${method} ${path}`);
}

const refused = ({ status, headers, message }: Refusal): Answer => ({
  status,
  headers,
  body: JSON.stringify({ Error: message }),
});

const failed =
  (host: ServerHost) =>
  (error: unknown): Answer => {
    if (error instanceof Refusal) return refused(error);
    host.stderr.write(`pvr-endpoint: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
    return refused(new Refusal(500, 'something went wrong here; the log of this container says what'));
  };

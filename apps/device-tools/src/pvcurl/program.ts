/** pvcurl: one HTTP request over a unix socket, with the options of curl that scripts of devices use (tools.md §7). */
import { ExchangeError, type ExchangeResponse, exchangeOver } from '@pantavisor/ctrl-api/portable';
import type { ToolHost, ToolSink } from '../host/ports.ts';

const help = `Usage: pvcurl --unix-socket SOCKET [OPTION]... URL

  -X METHOD             method, default GET
  -H, --header TEXT     further header; Content-Type is application/json unless given
  --data, --data-binary TEXT
                        body of the request
  -T, --upload-file FILE
                        body of the request from a file
  -o FILE               body of the answer to a file
  -w FORMAT             printed after the body; knows %{http_code} and \\n
  -i                    headers of the answer before its body
  -v                    request and status on stderr
  -s                    no messages
  --max-time N          seconds without a byte, default 240
  --connect-timeout N, --no-progress-meter
                        of no effect
  -h, --help            this text

Example: pvcurl --unix-socket /pantavisor/pv-ctrl -w '\\n%{http_code}' http://localhost/containers

The exit code is 0 when an answer came, whatever its status, else 1.
`;

interface Options {
  method: string;
  headers: Record<string, string>;
  body: string;
  upload?: string;
  output?: string;
  format?: string;
  socket?: string;
  target?: string;
  seconds: number;
  include: boolean;
  verbose: boolean;
  silent: boolean;
  help: boolean;
}

class UsageError extends Error {
  override name = 'UsageError';
}

/** What each option with a value does with it. */
const withValue: Readonly<Record<string, (options: Options, value: string) => void>> = {
  '-X': (options, value) => {
    options.method = value;
  },
  '-H': addHeader,
  '--header': addHeader,
  '--data': setBody,
  '--data-binary': setBody,
  '-T': setUpload,
  '--upload-file': setUpload,
  '--unix-socket': (options, value) => {
    options.socket = value;
  },
  '--connect-timeout': () => {},
  '--max-time': (options, value) => {
    const seconds = Number(value);
    if (!(seconds > 0)) throw new UsageError(`cannot wait for ${value} seconds`);
    options.seconds = seconds;
  },
  '-o': (options, value) => {
    options.output = value;
  },
  '-w': (options, value) => {
    options.format = value;
  },
};

const switches: Readonly<Record<string, (options: Options) => void>> = {
  '-h': askHelp,
  '--help': askHelp,
  '-s': (options) => {
    options.silent = true;
  },
  '-v': (options) => {
    options.verbose = true;
  },
  '-i': (options) => {
    options.include = true;
  },
  '--no-progress-meter': () => {},
};

function addHeader(options: Options, text: string): void {
  const colon = text.indexOf(':');
  if (colon < 1 || /[\r\n]/.test(text)) throw new UsageError(`cannot use ${JSON.stringify(text)} as a header`);
  const name = text.slice(0, colon);
  const known = Object.keys(options.headers).find((each) => each.toLowerCase() === name.toLowerCase());
  options.headers[known ?? name] = text.slice(colon + 1).trim();
}

function setBody(options: Options, value: string): void {
  options.body = value;
}

function setUpload(options: Options, value: string): void {
  options.upload = value;
}

function askHelp(options: Options): void {
  options.help = true;
}

/** @throws UsageError */
export function readOptions(argv: readonly string[]): Options {
  const options: Options = {
    method: 'GET',
    headers: { 'Content-Type': 'application/json' },
    body: '',
    seconds: 240,
    include: false,
    verbose: false,
    silent: false,
    help: argv.length === 0,
  };
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index]!;
    const [take, flip] = [withValue[word], switches[word]];
    if (take) {
      index += 1;
      const value = argv[index];
      if (value === undefined) throw new UsageError(`cannot use ${word} without a value`);
      take(options, value);
    } else if (flip) flip(options);
    else if (word.startsWith('-')) throw new UsageError(`cannot use the option ${word}; see pvcurl --help`);
    else options.target = targetOf(word);
  }
  return options;
}

function targetOf(url: string): string {
  const rest = url.replace(/^http:\/\/(localhost(?=[/?]|$))?/, '');
  const target = rest.startsWith('/') ? rest : `/${rest}`;
  if (/[\s\u007f]/.test(target)) throw new UsageError(`cannot use ${JSON.stringify(url)} as a URL`);
  return target;
}

/** Runs pvcurl. @returns the exit code */
export async function runPvcurl(argv: readonly string[], host: ToolHost): Promise<number> {
  let options: Options;
  try {
    options = readOptions(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    host.stderr.write(`pvcurl: ${error.message}\n`);
    return 1;
  }
  if (options.help) {
    host.stdout.write(help);
    return 0;
  }
  const fail = (message: string): number => {
    if (!options.silent) host.stderr.write(`pvcurl: ${message}\n`);
    return 1;
  };
  const { socket, target } = options;
  if (socket === undefined) return fail('cannot connect: name the socket with --unix-socket');
  if (target === undefined) return fail('cannot send a request without a URL');
  let status = '000';
  try {
    const response = await request(host, options, socket, target);
    status = String(response.status);
    if (options.verbose) host.stderr.write(`< HTTP/1.1 ${status} ${response.reason}\n`);
    await pour(host, options, response);
  } catch (error) {
    printFormat(host, options, status);
    return fail(error instanceof Error ? error.message : String(error));
  }
  printFormat(host, options, status);
  return 0;
}

async function request(host: ToolHost, options: Options, socket: string, target: string): Promise<ExchangeResponse> {
  const { method, headers, upload, seconds } = options;
  const body = upload === undefined ? options.body : await openFile(host, upload);
  if (options.verbose) host.stderr.write(`> ${method} ${target}\n`);
  return exchangeOver(host.transport, socket, { method, target, headers, body, timeout: seconds * 1000 });
}

async function openFile(host: ToolHost, path: string) {
  try {
    return await host.files.open(path);
  } catch (error) {
    throw new Error(`cannot read ${path}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

async function pour(host: ToolHost, options: Options, response: ExchangeResponse): Promise<void> {
  if (options.include) {
    const lines = Object.entries(response.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    host.stdout.write(`HTTP/1.1 ${response.status} ${response.reason}\r\n${lines.join('')}\r\n`);
  }
  const sink = options.output === undefined ? undefined : await createFile(host, options.output);
  try {
    for await (const piece of response.body) {
      if (sink) await sink.write(piece);
      else host.stdout.write(piece);
    }
  } finally {
    await sink?.close();
  }
}

async function createFile(host: ToolHost, path: string): Promise<ToolSink> {
  try {
    return await host.files.create(path);
  } catch (error) {
    throw new ExchangeError('broken', path, `cannot write ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Single quotes around the format come from scripts that quote twice. */
function printFormat(host: ToolHost, { format }: Options, status: string): void {
  if (format === undefined) return;
  const bare = format.replace(/^'/, '').replace(/'$/, '');
  host.stdout.write(bare.replaceAll('\\n', '\n').replaceAll('%{http_code}', status));
}

/** One run of pvcontrol: which socket, how to show, and what an answer means for the exit code. */
import { type Cell, formatTable, type Output, painter } from '@pantavisor/cli/output';
import {
  ExchangeError,
  type ExchangeRequest,
  type ExchangeResponse,
  errorText,
  exchangeOver,
} from '@pantavisor/ctrl-api/portable';
import type { ToolHost } from '../host/ports.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';

/** Options that stand before or after the verb. */
export interface GlobalOptions {
  socket?: string;
  file?: string;
  message?: string;
  verbose?: boolean;
  json?: boolean;
  table?: boolean;
}

/** Ends the run with an exit code. `stdout` and `stderr` are what scripts expect to find there. */
export class Failure extends Error {
  override name = 'Failure';
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  constructor(exitCode: number, streams: { stdout?: string; stderr?: string }) {
    super(streams.stderr ?? streams.stdout ?? '');
    this.exitCode = exitCode;
    this.stdout = streams.stdout ?? '';
    this.stderr = streams.stderr ?? '';
  }
}

/** A table to show: headings and rows. */
export interface Table {
  headings: readonly string[];
  rows: readonly (readonly Cell[])[];
  /** Said instead of an empty table. */
  empty?: string;
}

const hostSockets = ['/run/pantavisor/pv/pv-ctrl', '/pv/pv-ctrl'];
const containerSocket = '/pantavisor/pv-ctrl';

/** Path of the control socket: `-s`, PV_CTRL_SOCKET, the host's, SOCKET, the one inside a container. */
export function findSocket(given: string | undefined, { environment, files }: ToolHost): string {
  const named = given ?? environment.PV_CTRL_SOCKET;
  return named ?? hostSockets.find((path) => files.exists(path)) ?? environment.SOCKET ?? containerSocket;
}

export class Session {
  readonly host: ToolHost;
  readonly options: GlobalOptions;
  readonly socketPath: string;
  /** True when a person reads: tables instead of JSON, and a word about what was done. */
  readonly isHuman: boolean;

  constructor(host: ToolHost, options: GlobalOptions) {
    this.host = host;
    this.options = options;
    this.socketPath = findSocket(options.socket, host);
    const toTerminal = host.stdout.isTTY && options.file === undefined;
    this.isHuman = !options.json && (options.table === true || toTerminal);
  }

  /**
   * Sends a request and hands the response out when its status is 200.
   * @throws Failure with the exit code of the answer, its body on stderr
   */
  async request(
    method: string,
    target: string,
    more: Omit<ExchangeRequest, 'method' | 'target'> = {},
  ): Promise<ExchangeResponse> {
    const response = await this.#exchange(method, target, more);
    if (response.status === 200) return response;
    const body = await response.text();
    const text = errorText(body);
    const code = exitCodeOf(response.status, text);
    const wait = response.headers['retry-after'];
    const advice = wait === undefined ? '' : `; try again in ${wait} s`;
    const human = `pvcontrol: ${text ?? `status ${response.status} ${response.reason}`}${advice}\n`;
    throw new Failure(code, { stderr: this.host.stderr.isTTY && !this.options.json ? human : `${body}\n` });
  }

  /** Whether the device does not have what a target names. A refusal to say so counts as no: whatever is asked next is refused as well. */
  async isMissing(target: string): Promise<boolean> {
    const response = await this.#exchange('GET', target);
    await response.text();
    return response.status === 404;
  }

  /** Sends a request and hands the response out, whatever its status. */
  async #exchange(
    method: string,
    target: string,
    more: Omit<ExchangeRequest, 'method' | 'target'> = {},
  ): Promise<ExchangeResponse> {
    if (!this.host.files.exists(this.socketPath)) throw this.#missing();
    this.#say(`> ${method} ${target}`);
    const headers = { 'Content-Type': 'application/json', ...more.headers };
    try {
      const response = await exchangeOver(this.host.transport, this.socketPath, { method, target, ...more, headers });
      this.#say(`< ${response.status} ${response.reason}`);
      return response;
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      throw new Failure(exitCodes.failed.code, { stdout: 'ERROR: got no response\n', stderr: `${error.message}\n` });
    }
  }

  /** Sends a request and returns its body. */
  async text(method: string, target: string, body?: string): Promise<string> {
    const response = await this.request(method, target, body === undefined ? {} : { body });
    return response.text();
  }

  /** Prints a body as it is, with a line end. */
  async print(body: string): Promise<void> {
    if (body !== '') await this.#write(body.endsWith('\n') ? body : `${body}\n`);
  }

  /** Prints a list: as a table to a person, else the body as it is. */
  async printList<T>(body: string, table: (items: T) => Table): Promise<void> {
    if (!this.isHuman) return this.print(body);
    const { headings, rows, empty } = table(this.parse<T>(body));
    if (rows.length === 0 && empty !== undefined) return this.print(empty);
    const { stdout, environment } = this.host;
    const columns = stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY;
    await this.print(formatTable(headings, rows, painter(stdout, environment), columns));
  }

  /** Prints JSON, indented to a person. */
  async printJson(body: string): Promise<void> {
    await this.print(this.isHuman ? JSON.stringify(this.parse(body), undefined, 2) : body);
  }

  /** Prints the body of a change, which is usually empty; a person hears what was done instead. */
  async printDone(body: string, words: string): Promise<void> {
    if (this.isHuman && body === '') await this.print(words);
    else await this.print(body);
  }

  /** Writes pieces to stdout or to the file of `-f`. */
  async pour(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { file } = this.options;
    if (file === undefined) {
      for await (const piece of pieces) this.host.stdout.write(piece);
      return;
    }
    const sink = await this.host.files.create(file).catch((error: Error) => {
      throw new Failure(exitCodes.failed.code, { stderr: `pvcontrol: cannot write ${file}: ${error.message}\n` });
    });
    try {
      for await (const piece of pieces) await sink.write(piece);
    } finally {
      await sink.close();
    }
  }

  parse<T>(body: string): T {
    try {
      return JSON.parse(body) as T;
    } catch {
      throw new Failure(exitCodes.failed.code, {
        stderr: `pvcontrol: cannot read the answer as JSON: ${body.slice(0, 200)}\n`,
      });
    }
  }

  get stderr(): Output {
    return this.host.stderr;
  }

  async #write(text: string): Promise<void> {
    if (this.options.file === undefined) this.host.stdout.write(text);
    else await this.pour(pieceOf(this.host.transport.encode(text)));
  }

  #say(text: string): void {
    if (this.options.verbose) this.stderr.write(`${text}\n`);
  }

  #missing(): Failure {
    const hint = 'name the socket with -s or PV_CTRL_SOCKET; is pantavisor running?';
    return new Failure(exitCodes.failed.code, {
      stdout: `ERROR: ${this.socketPath} not found\n`,
      stderr: this.stderr.isTTY ? `pvcontrol: ${hint}\n` : '',
    });
  }
}

async function* pieceOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

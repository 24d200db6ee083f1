/** Typed client of the control socket over any transport: one method for each endpoint. */
import type {
  CommandOperation,
  ConfigEntryJson,
  ConfigJson,
  ContainerAction,
  ContainerDetailJson,
  ContainerJson,
  GarbageJson,
  GroupJson,
  MetadataJson,
  ObjectJson,
  ProgressJson,
  StepJson,
} from './bodies.ts';
import { ExchangeError, type ExchangeRequest, type ExchangeResponse, exchangeOver } from './exchange.ts';
import type { Transport } from './transport.ts';

/** The device refused. `refusalByText` of the contract names the refusal by `text`. */
export class ControlError extends Error {
  override name = 'ControlError';
  readonly status: number;
  /** Body as it came. */
  readonly body: string;
  /** What the device says; undefined when the body is no error of the contract. */
  readonly text: string | undefined;
  /** Seconds after which to try again, when the device says so. */
  readonly retryAfter: number | undefined;
  constructor(request: string, status: number, body: string, retryAfter: number | undefined) {
    const text = errorText(body);
    super(`cannot ${request}: ${text ?? `status ${status}`}`);
    this.status = status;
    this.body = body;
    this.text = text;
    this.retryAfter = retryAfter;
  }
}

/** The text of an error body; undefined when it is none. */
export function errorText(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'Error' in value && typeof value.Error === 'string')
      return value.Error;
  } catch {
    // Not every server answers with JSON; the status says enough.
  }
  return undefined;
}

/** A revision's path below `/steps`; `locals/` is part of the path, everything else is one segment. */
const stepPath = (revision: string) => `/steps/${revision}`;

/** Talks to one control socket; every call is its own connection. All methods throw ControlError and ExchangeError. */
export class PortableControlClient {
  readonly socketPath: string;
  readonly #transport: Transport;
  readonly #timeout: number | undefined;

  /** @param options `timeout` in milliseconds without a byte, default 240000 */
  constructor(transport: Transport, socketPath: string, options: { timeout?: number } = {}) {
    this.#transport = transport;
    this.socketPath = socketPath;
    this.#timeout = options.timeout;
  }

  containers(): Promise<ContainerJson[]> {
    return this.#json('GET', '/containers');
  }

  containerDetails(): Promise<ContainerDetailJson[]> {
    return this.#json('GET', '/containers?detail=1');
  }

  async controlContainer(name: string, action: ContainerAction): Promise<void> {
    await this.#text('PUT', `/containers/${name}`, JSON.stringify({ action }));
  }

  groups(): Promise<GroupJson[]> {
    return this.#json('GET', '/groups');
  }

  async signal(type: 'ready' | 'alive' = 'ready'): Promise<void> {
    await this.#text('POST', '/signal', JSON.stringify({ type, payload: '' }));
  }

  buildInfo(): Promise<string> {
    return this.#text('GET', '/buildinfo');
  }

  objects(): Promise<ObjectJson[]> {
    return this.#json('GET', '/objects');
  }

  async putObject(
    sha256: string,
    body: NonNullable<ExchangeRequest['body']>,
    onSent?: (bytes: number) => void,
  ): Promise<void> {
    const response = await this.#exchange('PUT', `/objects/${sha256}`, body, onSent);
    await response.text();
  }

  /** Content of an object as it comes. */
  async getObject(sha256: string): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#exchange('GET', `/objects/${sha256}`)).body;
  }

  steps(): Promise<StepJson[]> {
    return this.#json('GET', '/steps');
  }

  /** State document of a revision, byte exact. */
  step(revision: string): Promise<string> {
    return this.#text('GET', stepPath(revision));
  }

  async putStep(revision: string, state: string): Promise<void> {
    await this.#text('PUT', stepPath(revision), state);
  }

  stepProgress(revision: string): Promise<ProgressJson> {
    return this.#json('GET', `${stepPath(revision)}/progress`);
  }

  async setStepMessage(revision: string, message: string): Promise<void> {
    await this.#text('PUT', `${stepPath(revision)}/commitmsg`, message);
  }

  /** Gives a command; the device has accepted it when this resolves, and carries it out later. */
  async command(op: CommandOperation, payload: string | Record<string, string> = ''): Promise<void> {
    await this.#text('POST', '/commands', JSON.stringify({ op, payload }));
  }

  userMetadata(): Promise<MetadataJson> {
    return this.#json('GET', '/user-meta');
  }

  /** @param key as it stands in a path @param value 1 to 4096 bytes */
  async setUserMetadata(key: string, value: string): Promise<void> {
    await this.#text('PUT', `/user-meta/${key}`, value);
  }

  async removeUserMetadata(key: string): Promise<void> {
    await this.#text('DELETE', `/user-meta/${key}`);
  }

  deviceMetadata(): Promise<MetadataJson> {
    return this.#json('GET', '/device-meta');
  }

  config(): Promise<ConfigEntryJson[]> {
    return this.#json('GET', '/config2');
  }

  legacyConfig(): Promise<ConfigJson> {
    return this.#json('GET', '/config');
  }

  /** Removes what nothing needs; bytes freed. */
  async collectGarbage(): Promise<number> {
    const { reclaimed } = await this.#json<GarbageJson>('POST', '/storage/gc');
    return reclaimed;
  }

  async #json<T>(method: string, target: string): Promise<T> {
    const text = await this.#text(method, target);
    try {
      // The contract's shapes are checked by the conformance suite against every server, not by each call.
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new ExchangeError('malformed', this.socketPath, `cannot read the answer to ${method} ${target} as JSON`, {
        cause,
      });
    }
  }

  async #text(method: string, target: string, body?: string): Promise<string> {
    return (await this.#exchange(method, target, body)).text();
  }

  async #exchange(
    method: string,
    target: string,
    body?: ExchangeRequest['body'],
    onSent?: (bytes: number) => void,
  ): Promise<ExchangeResponse> {
    const request: ExchangeRequest = { method, target };
    if (body !== undefined) {
      request.body = body;
      if (typeof body === 'string') request.headers = { 'Content-Type': 'application/json' };
    }
    if (onSent) request.onSent = onSent;
    if (this.#timeout !== undefined) request.timeout = this.#timeout;
    const response = await exchangeOver(this.#transport, this.socketPath, request);
    if (response.status === 200) return response;
    const retryAfter = Number(response.headers['retry-after']);
    const text = await response.text();
    throw new ControlError(
      `${method} ${target}`,
      response.status,
      text,
      Number.isNaN(retryAfter) ? undefined : retryAfter,
    );
  }
}

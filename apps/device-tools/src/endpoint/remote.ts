/** What `pvr` asks of a device: the transfer protocol of a hub, answered from the control socket (appengine.md C.1, pvr.md §5). */
import type { ObjectJson } from '@pantavisor/ctrl-api';
import { fittingMessage } from '../commit-message.ts';
import type { ToolHost } from '../host/ports.ts';
import { readMembers, readState, stateLimit } from '../pvtx/state-text.ts';
import { askDevice, deviceJson, revisionOf, runRevision, tellDevice } from './device-door.ts';
import { type Answer, Refusal, type Request } from './http-server.ts';

const base = '/cgi-bin/pvr';
const announcementLimit = 64 * 1024;
/** Milliseconds for which an address of an object can be used. */
const addressLife = 3_600_000;

export class Remote {
  readonly #host: ToolHost;
  /** Known to this process alone, so that addresses are good until it ends. */
  readonly #secret: string;

  constructor(host: ToolHost, secret: string) {
    this.#host = host;
    this.#secret = secret;
  }

  /** Undefined when the path is none of these. */
  async answer(request: Request): Promise<Answer | undefined> {
    const { method, path } = request;
    if (path !== base && !path.startsWith(`${base}/`)) return undefined;
    const rest = path.slice(base.length).replace(/\/$/, '');
    const [, folder, sha256 = ''] = /^\/(objects|blobs)\/([0-9a-f]{64})$/.exec(rest) ?? [];
    const way = `${method} ${folder ?? rest}`;
    switch (way) {
      case 'GET ':
      case 'GET /.pvrremote':
        return json(this.#info(request));
      case 'GET /json':
        return { status: 200, body: await (await askDevice(this.#host, { method, target: '/steps/current' })).text() };
      case 'PUT /json':
        return json({ revision: await this.#store(await request.text(stateLimit), 'pvr') });
      case 'POST /objects':
        return this.#announce(request);
      case 'GET objects':
        return json(this.#object(request, sha256, (await this.#sizeOf(sha256)) ?? missing(sha256)));
      case 'GET blobs':
        return this.#download(request, sha256);
      case 'PUT blobs':
        return this.#upload(request, sha256);
      case 'POST /post':
        return this.#post(await request.text(stateLimit + announcementLimit));
      default:
        throw new Refusal(404, `there is no ${method} ${path}`);
    }
  }

  #info(request: Request) {
    const url = `http://${request.headers.host ?? 'localhost'}${base}`;
    return {
      'pvr-spec': 'pvr-pantahub-1',
      'json-get-url': `${url}/json`,
      'json-key': 'state',
      'objects-endpoint': `${url}/objects`,
      'post-url': `${url}/post`,
      'post-fields': ['commit-msg'],
      'post-fields-opt': ['rev'],
    };
  }

  async #sizeOf(sha256: string): Promise<number | undefined> {
    const known = (await deviceJson<ObjectJson[]>(this.#host, '/objects')).find((each) => each.sha256 === sha256);
    return known && Number(known.size);
  }

  async #announce(request: Request): Promise<Answer> {
    const announced = parsed(await request.text(announcementLimit)) as { sha256sum?: unknown; size?: unknown };
    const [sha256, size] = [String(announced.sha256sum), Number(announced.size)];
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Refusal(400, 'sha256sum is no SHA-256');
    if (!Number.isSafeInteger(size) || size < 0) throw new Refusal(400, 'size is no number of bytes');
    const isThere = (await this.#sizeOf(sha256)) === size;
    const answer = json({ ...announced, ...this.#object(request, sha256, size) });
    return isThere ? { ...answer, status: 409, headers: { 'Pantahub-Object-Type': 'object' } } : answer;
  }

  #object(request: Request, sha256: string, size: number) {
    const now = Date.now();
    const address = (method: string) => {
      const expires = now + addressLife;
      const signature = this.#sign(method, sha256, size, expires);
      const url = `http://${request.headers.host ?? 'localhost'}${base}/blobs/${sha256}`;
      return `${url}?size=${size}&expires=${expires}&signature=${signature}`;
    };
    return {
      id: sha256,
      sha256sum: sha256,
      size: String(size),
      'mime-type': 'application/octet-stream',
      'signed-puturl': address('PUT'),
      'signed-geturl': address('GET'),
      now: String(now),
      'expire-time': String(addressLife / 1000),
    };
  }

  #sign(method: string, sha256: string, size: number, expires: number): string {
    const digest = (text: string) => {
      const hash = this.#host.sha256();
      hash.update(this.#host.transport.encode(text));
      return hash.hex();
    };
    return digest(`${this.#secret}${digest(`${this.#secret}${method} ${sha256} ${size} ${expires}`)}`);
  }

  /** Size that a signed address stands for. */
  #checked({ method, query }: Request, sha256: string): number {
    const [size, expires] = [Number(query.get('size')), Number(query.get('expires'))];
    if (query.get('signature') !== this.#sign(method, sha256, size, expires) || !(Date.now() < expires))
      throw new Refusal(403, 'this address of an object is not good, or no longer; ask for a new one');
    return size;
  }

  async #download(request: Request, sha256: string): Promise<Answer> {
    const size = this.#checked(request, sha256);
    const { body } = await askDevice(this.#host, { method: 'GET', target: `/objects/${sha256}` });
    return { status: 200, headers: { 'Content-Type': 'application/octet-stream' }, body: { pieces: body, size } };
  }

  async #upload(request: Request, sha256: string): Promise<Answer> {
    const size = this.#checked(request, sha256);
    if (request.length === undefined) throw new Refusal(411, 'say how many bytes come (Content-Length)');
    if (request.length !== size) throw new Refusal(400, `${size} bytes were announced, not ${request.length}`);
    const target = `/objects/${sha256}`;
    await (await askDevice(this.#host, { method: 'PUT', target, body: { pieces: request.body, size } })).text();
    return { status: 200 };
  }

  async #post(text: string): Promise<Answer> {
    parsed(text);
    const members = new Map(readMembers(text).map(({ key, value }) => [key, value]));
    const state = members.get('state');
    if (state === undefined) throw new Refusal(400, 'the member state is missing');
    const [wanted, message] = ['rev', 'commit-msg'].map((key) => JSON.parse(members.get(key) ?? 'null') as unknown);
    const revision = await this.#store(state, 'pvr', typeof wanted === 'string' ? wanted : undefined);
    if (typeof message === 'string' && message !== '')
      await tellDevice(
        this.#host,
        'PUT',
        `/steps/${revision}/commitmsg`,
        fittingMessage(message, this.#host.transport.encode),
      );
    await runRevision(this.#host, revision);
    const { files } = this.#host;
    const device = await files.readText('/pantavisor/device-id').catch(() => '');
    return json({
      'state-sha': this.#digest(state),
      rev: -1,
      revlocal: revision,
      'trail-id': device.trim() || 'local',
      'commit-msg': message ?? '',
    });
  }

  /** Stores a state as a local revision; its name. */
  async #store(state: string, prefix: string, wanted?: string): Promise<string> {
    try {
      readState(state);
    } catch (error) {
      throw new Refusal(422, `cannot use the state: ${error instanceof Error ? error.message : error}`);
    }
    const unique = `${Date.now().toString(36)}${Math.floor(Math.random() * 1000)}`;
    const name = wanted?.replace(/^locals\//, '') ?? `${prefix}-${this.#digest(state).slice(0, 8)}-${unique}`;
    const revision = revisionOf(`locals/${name}`);
    await tellDevice(this.#host, 'PUT', `/steps/${revision}`, state);
    return revision;
  }

  #digest(text: string): string {
    const hash = this.#host.sha256();
    hash.update(this.#host.transport.encode(text));
    return hash.hex();
  }
}

const json = (value: unknown): Answer => ({ status: 200, body: JSON.stringify(value) });

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new Refusal(400, 'the body is no JSON object');
}

function missing(sha256: string): never {
  throw new Refusal(404, `the device has no object ${sha256}`);
}

/** Images of a registry: the distribution protocol with tokens, lists, both families of media types, mirrors. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createProgressBar, Failure } from '@pantavisor/cli';
import type { Pvr } from '../../context.ts';
import type { HttpAnswer, HttpClient } from '../../http/client.ts';
import { download } from '../../http/download.ts';
import { refusal } from '../../http/failures.ts';
import { sha256, sha256File } from '../../repository/hashing.ts';
import { type Credentials, findCredentials } from './credentials.ts';
import {
  choosePlatform,
  type Descriptor,
  digestHex,
  type Image,
  type ImageConfig,
  imageOf,
  type Manifest,
  mediaTypes,
} from './image.ts';
import { type ImageReference, imageName } from './reference.ts';

const accept = [...mediaTypes.lists, ...mediaTypes.manifests].join(', ');

export interface RegistryOptions {
  username?: string | undefined;
  password?: string | undefined;
  /** Wanted platforms, e.g. `linux/arm/v7`; the first entry of a list that fits any. */
  platforms: readonly string[];
}

/** Finds an image in its registry, or in a mirror of it. */
export async function openRegistryImage(pvr: Pvr, reference: ImageReference, options: RegistryOptions): Promise<Image> {
  let failure: unknown;
  for (const base of endpoints(reference.registry, pvr.environment)) {
    try {
      return await new Registry(pvr, base, reference, options).open();
    } catch (error) {
      failure = error;
      // A mirror that cannot help is passed over; what the registry itself says counts.
      if (!(error instanceof Failure)) throw error;
    }
  }
  throw failure;
}

/**
 * Addresses to try. PVR_REGISTRY_MIRRORS is a comma list of `<registry>=<address>`. A registry on this machine may speak
 * plain HTTP, as with docker.
 */
function endpoints(registry: string, environment: Readonly<Record<string, string | undefined>>): string[] {
  const mirrors = (environment.PVR_REGISTRY_MIRRORS ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item.startsWith(`${registry}=`))
    .map((item) => item.slice(registry.length + 1).replace(/\/+$/, ''));
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
  const local = /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host);
  return [...mirrors, `https://${host}`, ...(local ? [`http://${host}`] : [])];
}

class Registry {
  readonly #pvr: Pvr;
  readonly #base: string;
  readonly #reference: ImageReference;
  readonly #options: RegistryOptions;
  readonly #http: HttpClient;
  #authorization: string | undefined;

  constructor(pvr: Pvr, base: string, reference: ImageReference, options: RegistryOptions) {
    this.#pvr = pvr;
    this.#base = base;
    this.#reference = reference;
    this.#options = options;
    const authorities = authoritiesOf(reference.registry, pvr.environment);
    this.#http = authorities.length > 0 ? pvr.http.with({ authorities }) : pvr.http;
  }

  async open(): Promise<Image> {
    const { tag, digest } = this.#reference;
    let found = await this.#manifest(digest ?? tag ?? 'latest');
    let platform: string | undefined;
    if (found.manifest.manifests) {
      const chosen = choosePlatform(found.manifest.manifests, this.#options.platforms);
      platform = chosen.platform;
      found = await this.#manifest(chosen.descriptor.digest);
    }
    const { manifest } = found;
    if (!manifest.config || !manifest.layers)
      throw new Failure('image-unsupported', `cannot use ${this.#name()}: its manifest is of an unknown kind`, {
        exitCode: 3,
      });
    const config = JSON.parse(readFileSync(await this.#blob(manifest.config, 'config'), 'utf8')) as ImageConfig;
    const image = imageOf(`${imageName(this.#reference)}@${found.digest}`, manifest, config, (layer) =>
      this.#blob(layer, 'layer'),
    );
    return { ...image, ...(platform === undefined ? {} : { platform }), close: async () => {} };
  }

  #name(): string {
    const { tag, digest } = this.#reference;
    return `${imageName(this.#reference)}${digest === undefined ? `:${tag}` : `@${digest}`}`;
  }

  async #manifest(reference: string): Promise<{ manifest: Manifest; digest: string }> {
    const answer = await this.#call(`manifests/${reference}`, { accept });
    if (answer.status !== 200) throw await refusal(`find the image ${this.#name()}`, answer);
    const text = await answer.text();
    const digest = `sha256:${sha256(text)}`;
    const promised = reference.startsWith('sha256:') ? reference : answer.headers['docker-content-digest'];
    if (typeof promised === 'string' && promised.startsWith('sha256:') && promised !== digest)
      throw new Failure(
        'digest-mismatch',
        `cannot trust the manifest of ${this.#name()}: its digest is ${digest}, not ${promised}`,
        { exitCode: 3 },
      );
    return { manifest: JSON.parse(text) as Manifest, digest };
  }

  /** Fetches a blob into the cache, checked against its digest and size. Blobs that are there are not fetched again. */
  async #blob(descriptor: Descriptor, kind: 'config' | 'layer'): Promise<string> {
    const hex = digestHex(descriptor.digest);
    const cache = join(this.#pvr.configDirectory, 'cache');
    const path = join(cache, `${descriptor.digest}.tar.gz`);
    if (
      existsSync(path) &&
      statSync(path).size === descriptor.size &&
      (await sha256File(path, descriptor.size)) === hex
    )
      return path;
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    const temporary = `${path}.${process.pid}.new`;
    const bar = createProgressBar(this.#pvr.stderr, 'Downloading', descriptor.size);
    const get = (headers: Record<string, string>) => this.#call(`blobs/${descriptor.digest}`, headers);
    try {
      await download(get, `a ${kind} of ${this.#name()}`, temporary, bar.add, descriptor.size);
      const { size } = statSync(temporary);
      if (size !== descriptor.size || (await sha256File(temporary, size)) !== hex)
        throw new Failure(
          'digest-mismatch',
          `cannot trust a ${kind} of ${this.#name()}: it is not what ${descriptor.digest} names`,
          { exitCode: 3 },
        );
      await rename(temporary, path);
      return path;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    } finally {
      bar.end();
    }
  }

  async #call(path: string, headers: Record<string, string>): Promise<HttpAnswer> {
    const url = `${this.#base}/v2/${this.#reference.repository}/${path}`;
    const send = (): Promise<HttpAnswer> =>
      this.#http.call(url, {
        headers: {
          'accept-encoding': 'identity',
          ...headers,
          ...(this.#authorization ? { authorization: this.#authorization } : {}),
        },
      });
    const answer = await send();
    if (answer.status !== 401) return answer;
    const challenge = answer.headers['www-authenticate'];
    answer.body.resume();
    this.#authorization = await this.#authorize(challenge ?? '');
    return send();
  }

  async #authorize(challenge: string): Promise<string> {
    const { username, password } = this.#options;
    const known: Credentials | undefined =
      username === undefined
        ? findCredentials(this.#reference.registry, this.#pvr.environment)
        : { username, password: password ?? '' };
    const basic =
      known && known.username !== ''
        ? `Basic ${Buffer.from(`${known.username}:${known.password}`).toString('base64')}`
        : undefined;
    if (/^Basic\b/i.test(challenge)) {
      if (basic === undefined) throw needsLogin(this.#reference.registry);
      return basic;
    }
    if (!/^Bearer\b/i.test(challenge)) throw needsLogin(this.#reference.registry);
    const parameters = new Map(
      Array.from(challenge.matchAll(/(\w+)="([^"]*)"/g), ([, name = '', value = '']) => [name.toLowerCase(), value]),
    );
    const realm = parameters.get('realm') ?? '';
    const service = parameters.get('service');
    const scope = parameters.get('scope') ?? `repository:${this.#reference.repository}:pull`;
    let answer: HttpAnswer;
    if (known?.identityToken !== undefined) {
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'pvr',
        refresh_token: known.identityToken,
        scope,
        ...(service ? { service } : {}),
      });
      answer = await this.#http.call(realm, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      });
    } else {
      const url = new URL(realm);
      if (service) url.searchParams.set('service', service);
      url.searchParams.set('scope', scope);
      answer = await this.#http.call(url.href, { headers: basic === undefined ? {} : { authorization: basic } });
    }
    if (answer.status !== 200) throw await refusal(`log in at the registry ${this.#reference.registry}`, answer);
    const reply = JSON.parse(await answer.text()) as { token?: string; access_token?: string };
    const token = reply.token ?? reply.access_token;
    if (!token) throw needsLogin(this.#reference.registry);
    return `Bearer ${token}`;
  }
}

function needsLogin(registry: string): Failure {
  return new Failure(
    'registry-login',
    `cannot log in at the registry ${registry}: no name and password are known for it`,
    {
      exitCode: 3,
      hint: "give --username and --password, or 'docker login'",
    },
  );
}

/** Certificates that docker trusts for one registry. */
function authoritiesOf(registry: string, environment: Readonly<Record<string, string | undefined>>): string[] {
  const folders = [
    '/etc/docker/certs.d',
    '/etc/containers/certs.d',
    join(environment.HOME ?? '/root', '.config', 'containers', 'certs.d'),
  ];
  return folders
    .map((folder) => join(folder, registry))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.crt'))
        .map((name) => readFileSync(join(folder, name), 'utf8')),
    );
}

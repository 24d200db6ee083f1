/** Images that docker or podman have on this machine, asked for through docker's API or with the programs themselves. */
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Failure } from '@pantavisor/cli';
import type { Image } from './image.ts';
import { openArchive } from './local.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A place that may have images. */
interface Store {
  name: string;
  /** Writes an image as an archive. False when the place is not here, or has no such image. */
  save(image: string, file: string): Promise<boolean>;
  /** Names by digest, e.g. `docker.io/library/nginx@sha256:…`, the first one first. */
  digests(image: string): Promise<readonly string[]>;
}

/**
 * An image by its name or id.
 * @returns undefined when no store of this machine has it
 */
export async function openStored(
  name: string,
  platforms: readonly string[],
  environment: Environment,
): Promise<Image | undefined> {
  for (const store of stores(environment)) {
    const scratch = await mkdtemp(join(tmpdir(), 'pvr-image-'));
    const file = join(scratch, 'image.tar');
    try {
      if (!(await store.save(name, file))) continue;
      const image = await openArchive(file, name, platforms);
      // With the digest of a registry, others can build the same app from there (pvr §8.3).
      const digest = (await store.digests(name)).find((text) => /@sha256:[0-9a-f]{64}$/.test(text));
      return digest === undefined ? image : { ...image, digest };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  return undefined;
}

function stores(environment: Environment): Store[] {
  const api = dockerApi(environment);
  return [
    ...(api ? [api] : []),
    program('docker', environment),
    program('podman', environment),
    // Images that buildah made, on a machine without podman.
    {
      name: 'skopeo',
      save: (image, file) =>
        run(
          'skopeo',
          ['copy', '--insecure-policy', `containers-storage:${image}`, `docker-archive:${file}`],
          environment,
        ).then(({ code }) => code === 0),
      digests: async () => [],
    },
  ];
}

function program(name: 'docker' | 'podman', environment: Environment): Store {
  return {
    name,
    save: async (image, file) => (await run(name, ['save', '-o', file, '--', image], environment)).code === 0,
    digests: async (image) => {
      const asked = ['image', 'inspect', '--format', '{{json .RepoDigests}}', '--', image];
      const { code, out } = await run(name, asked, environment);
      return code === 0 ? textsIn(out) : [];
    },
  };
}

function textsIn(json: string): string[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  } catch {
    return [];
  }
}

/** @returns exit code, -1 when there is no such program; and the first piece of what it printed */
function run(name: string, argv: readonly string[], environment: Environment): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    let out = '';
    const child = spawn(name, argv, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...environment } });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (out.length < 1_000_000) out += text;
    });
    child.once('error', () => resolve({ code: -1, out }));
    child.once('close', (code) => resolve({ code: code ?? -1, out }));
  });
}

const defaultSocket = '/var/run/docker.sock';

/** The Engine API, where DOCKER_HOST says or docker has it. Undefined for other kinds of address; docker's program knows those. */
function dockerApi({ DOCKER_HOST }: Environment): Store | undefined {
  const match = /^(unix|tcp|http):\/\/(.+)$/.exec(DOCKER_HOST || `unix://${defaultSocket}`);
  if (!match) return undefined;
  const [, kind, rest = ''] = match;
  const target: RequestOptions =
    kind === 'unix'
      ? { socketPath: rest, host: 'localhost' }
      : { host: new URL(`http://${rest}`).hostname, port: new URL(`http://${rest}`).port || '2375' };
  if (kind === 'unix' && (!existsSync(rest) || !statSync(rest).isSocket())) return undefined;
  const path = (image: string, what: string): string => `/images/${encodeURIComponent(image)}/${what}`;
  return {
    name: 'the docker API',
    save: async (image, file) => {
      const found = await get(target, path(image, 'json'));
      found?.resume();
      if (found?.statusCode !== 200) return false;
      const answer = await get(target, path(image, 'get'));
      if (answer?.statusCode !== 200) {
        answer?.resume();
        throw new Failure(
          'image-missing',
          `cannot get the image ${image} from docker: it answered ${answer?.statusCode}`,
          {
            exitCode: 3,
          },
        );
      }
      await pipeline(answer, createWriteStream(file));
      return true;
    },
    digests: async (image) => {
      const answer = await get(target, path(image, 'json'));
      const pieces: Uint8Array[] = [];
      for await (const piece of answer ?? []) pieces.push(piece as Uint8Array);
      const { RepoDigests } = JSON.parse(Buffer.concat(pieces).toString('utf8') || '{}') as { RepoDigests?: unknown };
      return textsIn(JSON.stringify(RepoDigests ?? []));
    },
  };
}

/** Undefined when nobody answers there. */
function get(target: RequestOptions, path: string): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const call = request({ ...target, path, headers: { host: 'docker' } }, resolve);
    call.once('error', () => resolve(undefined));
    call.end();
  });
}

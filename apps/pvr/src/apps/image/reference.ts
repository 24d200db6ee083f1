/** Names of images (distribution reference; OCI distribution specification §"Pulling manifests"). */
import { Failure } from '@pantavisor/cli';

export interface ImageReference {
  /** Registry with port, e.g. `docker.io` or `localhost:5000`. */
  registry: string;
  /** E.g. `library/nginx`. */
  repository: string;
  /** Absent when a digest is given without one. */
  tag?: string;
  digest?: string;
}

const pathPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/**
 * Reads a name as docker does: without a registry it is on docker.io, without a tag it is `latest`.
 * @throws Failure `image-name`
 */
export function readImageReference(text: string): ImageReference {
  const bad = (why: string): Failure =>
    new Failure('image-name', `cannot understand the image ${JSON.stringify(text)}: ${why}`, { exitCode: 3 });
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !digestPattern.test(digest)) throw bad('its digest is none');
  const named = at < 0 ? text : text.slice(0, at);
  const slash = named.lastIndexOf('/');
  const colon = named.lastIndexOf(':');
  const tag = colon > slash ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) throw bad('its tag is none');
  const name = colon > slash ? named.slice(0, colon) : named;
  const first = name.split('/')[0]!;
  const hasRegistry = name.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  const registry = hasRegistry ? first : 'docker.io';
  let repository = hasRegistry ? name.slice(first.length + 1) : name;
  if (registry === 'docker.io' && !repository.includes('/')) repository = `library/${repository}`;
  if (!pathPattern.test(repository)) throw bad('its name may hold lower-case letters, digits and . _ - between them');
  const shownTag = tag ?? (digest === undefined ? 'latest' : undefined);
  return {
    registry,
    repository,
    ...(shownTag === undefined ? {} : { tag: shownTag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** Name without tag and digest, e.g. `docker.io/library/nginx`. */
export function imageName({ registry, repository }: ImageReference): string {
  return `${registry}/${repository}`;
}

/** What stands before the tag as it was typed, and the tag: the form in which src.json has them. */
export function splitTag(text: string): { name: string; tag: string } {
  const bare = text.split('@')[0]!;
  const slash = bare.lastIndexOf('/');
  const colon = bare.lastIndexOf(':');
  return colon > slash
    ? { name: bare.slice(0, colon), tag: bare.slice(colon + 1) }
    : { name: bare, tag: text.includes('@') ? '' : 'latest' };
}

/** What a person names as the place that something is installed from. */

export type InstallSource =
  | { kind: 'stdin' }
  | { kind: 'file'; path: string }
  | { kind: 'object'; sha256: string }
  | { kind: 'package'; url: string }
  | { kind: 'remote'; url: string; parts: string[] }
  | { kind: 'image'; name: string };

const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\])(?::\d+)?$/;
const archive = /\.(?:tgz|tar\.gz|tar)$/;
/** Port of another device's endpoint, and the path below it (appengine.md, part C). */
const endpoint = { port: 12368, path: '/cgi-bin/pvr' };

/**
 * Reads a source: `-`, a file, the SHA-256 of an object that the device has, a URL of a package, a URL that `pvr clone` takes, the
 * address of another device, or the name of a container image.
 * @param isFile whether there is a file of this name
 */
export function readSource(text: string, isFile: (path: string) => boolean): InstallSource {
  if (text === '-') return { kind: 'stdin' };
  if (/^[0-9a-f]{64}$/.test(text)) return { kind: 'object', sha256: text };
  const [place = '', fragment = ''] = text.split('#', 2) as [string, string?];
  const parts = fragment.split(',').filter((part) => part !== '');
  if (/^https?:\/\//.test(place)) {
    const url = place.replace(/\/+$/, '');
    return archive.test(url) ? { kind: 'package', url } : { kind: 'remote', url, parts };
  }
  if (address.test(place)) {
    const host = /:\d+$/.test(place.replace(/^\[.*\]/, '')) ? place : `${place}:${endpoint.port}`;
    return { kind: 'remote', url: `http://${host}${endpoint.path}`, parts };
  }
  if (/^[./~]/.test(text) || archive.test(text) || isFile(text)) return { kind: 'file', path: text };
  return { kind: 'image', name: text };
}

/** A name for a part from that of an image: `registry/x/nginx:1.27` is `nginx`. */
export function partOfImage(name: string): string {
  const last =
    name
      .replace(/[@:][^/]*$/, '')
      .split('/')
      .at(-1) ?? '';
  return last.replace(/[^A-Za-z0-9_-]/g, '') || 'app';
}

/** What to do at the workstation instead, where images can be fetched and packed. */
export function imageAdvice(name: string, part = partOfImage(name)): string {
  return [
    'pvr on a workstation makes a package of it, in a clone of this device:',
    '',
    '  pvr clone http://DEVICE:12368/cgi-bin/pvr device && cd device',
    `  pvr app add --from ${name} ${part}`,
    '  pvr add . && pvr commit && pvr post',
    '',
    `or as a file: pvr export --parts ${part} ${part}.tgz, then here: pantabox install ${part}.tgz`,
  ].join('\n');
}

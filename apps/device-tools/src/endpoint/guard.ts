/**
 * What browsers may ask. There is no password: who reaches the port may manage the device. A page of another site must not do so through the browser of
 * somebody who can. Programs such as pvr and curl send none of the headers that are looked at here.
 */

export interface Asked {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
}

/**
 * Why a request is refused; undefined when it is not.
 * @param names host names of the configuration, besides addresses, names without a dot and those of mDNS
 */
export function whyRefused({ method, path, headers }: Asked, names: readonly string[]): string | undefined {
  const { host, origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers;
  // A name that its owner lets point here would make the page of its owner one of this device (DNS rebinding).
  if (host !== undefined && !isOwnName(host, names))
    return `the name ${JSON.stringify(host)} is not known here: use the address, or put the name into httpd.hosts of config.json`;
  if (origin !== undefined && origin.toLowerCase() !== `http://${host?.toLowerCase()}`)
    return 'pages of other sites may not ask this device';
  if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
  const isLink = mode === 'navigate' && method === 'GET' && (path === '/' || path.startsWith('/app'));
  return isLink ? undefined : 'pages of other sites may not ask this device';
}

function isOwnName(host: string, names: readonly string[]): boolean {
  const name = host.toLowerCase().replace(/:\d*$/, '');
  const isAddress = /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || /^\[[0-9a-f:.]+\]$/.test(name);
  const isLocal = /^[a-z0-9-]+(\.local)?$/.test(name) || name.endsWith('.localhost');
  return isAddress || isLocal || names.includes(name);
}

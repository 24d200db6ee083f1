/** Where the endpoint listens: `config.json` of the overlay, or the kernel's command line (appengine.md, part C). */

export interface Settings {
  /** IPv4 address. */
  listen: string;
  port: number;
  /** Names by which browsers may call it. */
  hosts: string[];
}

export const defaultPort = 12368;

/**
 * Reads the settings; what is missing is loopback, so that a mistake opens nothing.
 * @param config text of config.json @param commandLine of the kernel
 * @throws Error that names the value that cannot be used
 */
export function readSettings(config: string | undefined, commandLine: string): Settings {
  let httpd: Record<string, unknown> = {};
  if (config !== undefined) {
    const found: unknown = JSON.parse(config);
    const member = (found as { httpd?: unknown } | null)?.httpd ?? {};
    if (typeof member !== 'object') throw new Error('httpd is no object');
    httpd = member as Record<string, unknown>;
  }
  // The first is how published examples spell it.
  const [, argument] = /(?:^|\s)pvr(?:skd|sdk)_httpd_listen=(\S+)/.exec(commandLine) ?? [];
  const listen = String(httpd.listen ?? argument ?? '127.0.0.1').replace(/^localhost$/, '127.0.0.1');
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(listen) || listen.split('.').some((part) => Number(part) > 255))
    throw new Error(`httpd.listen is ${JSON.stringify(listen)}, no IPv4 address`);
  const port = Number(httpd.port ?? defaultPort);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`httpd.port is ${JSON.stringify(httpd.port)}, no port`);
  const hosts = Array.isArray(httpd.hosts) ? httpd.hosts.map((name) => String(name).toLowerCase()) : [];
  return { listen, port, hosts };
}

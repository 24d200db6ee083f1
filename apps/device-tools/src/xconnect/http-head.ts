/** The head of one HTTP request: whose it is, and how long its body is (RFC 9112). */

/** How the end of a body is found. `unknown`: only the end of the connection tells. */
export type Framing = { kind: 'length'; bytes: number } | { kind: 'chunked' } | { kind: 'unknown' };

/** Who asks, as the provider is told. */
export interface Identity {
  client: string;
  role: string;
}

export interface RewrittenHead {
  text: string;
  framing: Framing;
  /** The client wants to go on with another protocol; the status of the answer tells whether it does. */
  isUpgrade: boolean;
}

/** Also what an interface of the CGI kind (RFC 3875) would take for one of them. */
const identityNames = ['x-pv-client', 'x-pv-role'];
/** What one server or the other takes for a blank. */
const blank = '[\\s\\x1c-\\x1f\\x85]';
const requestLine = new RegExp(`^[!#$%&'*+.^_\`|~0-9A-Za-z-]+${blank}+\\S+${blank}+HTTP/1\\.\\d+${blank}*$`, 'i');
/** A request of HTTP/0.9 has no headers; some servers read them nevertheless. */
const oldRequestLine = new RegExp(`^GET${blank}+\\S+${blank}*$`, 'i');
const anyBlank = new RegExp(blank);
const lineEnd = '\r\n';

/** What the first byte of a message can be the beginning of. */
export function lookAtByte(byte: number): 'token' | 'blank' | 'other' {
  const character = String.fromCharCode(byte);
  if (anyBlank.test(character)) return 'blank';
  return /[!-~]/.test(character) ? 'token' : 'other';
}

/**
 * What the first line of a message is. To be refused is what some server may take for a request though it cannot be read here: another
 * version, whose headers may be no text, or odd blanks.
 */
export function lookAtLine(line: string): 'request' | 'refuse' | 'other' {
  if (requestLine.test(line) || oldRequestLine.test(line)) return 'request';
  return /HTTP\//i.test(line) ? 'refuse' : 'other';
}

/** Names of containers and roles are no headers: what would end a line becomes `_`. */
export const harmless = (value: string): string => value.replace(/[^\x20-\x7e]/g, '_');

/** Whether a line of a header or trailer says who asks. */
function isIdentity(line: string): boolean {
  const colon = line.indexOf(':');
  const name = (colon < 0 ? line : line.slice(0, colon)).trim().toLowerCase().replaceAll('_', '-');
  return identityNames.includes(name);
}

/**
 * Takes out what a client says about itself. Continuations of a line that goes, and of none, go with it.
 * @param block lines without the empty one at the end
 */
export function withoutIdentity(block: string): string[] {
  const kept: string[] = [];
  let goes = true;
  for (const each of block.split('\n')) {
    // Some servers take a lone carriage return for the end of a line.
    const line = each.replace(/\r$/, '').replaceAll('\r', ' ');
    if (!/^[ \t]/.test(line)) goes = line === '' || isIdentity(line);
    if (!goes) kept.push(line);
  }
  return kept;
}

/**
 * Writes a head anew, with the identity right behind the request line.
 * @param first request line
 * @param block the lines of its headers
 */
export function rewriteHead(first: string, block: string, { client, role }: Identity): RewrittenHead {
  const lines = withoutIdentity(block);
  const framing = /^CONNECT[ \t]/i.test(first) ? ({ kind: 'unknown' } as const) : framingOf(lines);
  const head = [first.replaceAll('\r', ' '), `X-PV-Client: ${harmless(client)}`, `X-PV-Role: ${harmless(role)}`];
  // Nobody could find forged headers in the next request: there must be none.
  if (framing.kind === 'unknown') {
    const others = lines.filter((line) => !/^connection[ \t]*:/i.test(line));
    head.push('Connection: close', ...others);
  } else head.push(...lines);
  return {
    text: [...head, '', ''].join(lineEnd),
    framing,
    isUpgrade: lines.some((line) => /^upgrade[ \t]*:/i.test(line)),
  };
}

function framingOf(lines: readonly string[]): Framing {
  const valuesOf = (name: string) =>
    lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return line.slice(0, colon).trim().toLowerCase() === name ? [line.slice(colon + 1).trim()] : [];
    });
  // A value that goes on in the next line is one that cannot be read here.
  const isFolded = lines.some(
    (line, at) => /^[ \t]/.test(line) && /^(content-length|transfer-encoding)/i.test(lines[at - 1] ?? ''),
  );
  const encodings = valuesOf('transfer-encoding');
  const lengths = valuesOf('content-length');
  if (isFolded || (encodings.length > 0 && lengths.length > 0) || encodings.length > 1 || lengths.length > 1)
    return { kind: 'unknown' };
  if (encodings[0] !== undefined)
    return encodings[0].toLowerCase() === 'chunked' ? { kind: 'chunked' } : { kind: 'unknown' };
  if (lengths[0] === undefined) return { kind: 'length', bytes: 0 };
  return /^\d{1,15}$/.test(lengths[0]) ? { kind: 'length', bytes: Number(lengths[0]) } : { kind: 'unknown' };
}

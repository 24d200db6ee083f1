/** The identity of a D-Bus client: its SASL handshake says who it is by its role (xconnect.md §6.6, D-Bus specification, auth protocol). */
import { type Filter, joined, latinBytes, latinText, nothing } from './filter.ts';

/** User of whom nothing is known: nobody. */
export const nobody = 65534;

const mostUid = 0xffff_fffe;
/** Longest line of a handshake that a bus takes (libdbus: 16 KiB). */
const longestLine = 16 * 1024;
const newline = 10;

/**
 * The user that a role stands for.
 * @param passwd text of /etc/passwd of the provider; undefined when it has none
 */
export function uidOf(role: string, passwd: string | undefined): number | undefined {
  if (/^\d+$/.test(role)) return Number(role) <= mostUid ? Number(role) : undefined;
  for (const line of passwd?.split('\n') ?? []) {
    const [name, , uid = ''] = line.split(':');
    if (name === role) return /^\d+$/.test(uid) && Number(uid) <= mostUid ? Number(uid) : undefined;
  }
  return undefined;
}

/** Replaces the user that a client claims to be. */
export class SaslIdentity implements Filter {
  readonly #uid: number;
  #held: Uint8Array = nothing;
  #begun = false;
  isDone = false;

  constructor(uid: number) {
    this.#uid = uid;
  }

  push(bytes: Uint8Array): Uint8Array | undefined {
    if (this.isDone) return bytes;
    let rest = joined(this.#held, bytes);
    let out: Uint8Array = nothing;
    if (!this.#begun && rest.length > 0) {
      this.#begun = true;
      // A client begins with a zero byte, which brings its credentials.
      if (rest[0] === 0) {
        out = rest.slice(0, 1);
        rest = rest.subarray(1);
      }
    }
    while (!this.isDone) {
      const end = rest.indexOf(newline);
      if (end < 0) {
        if (rest.length > longestLine) return undefined;
        this.#held = rest.slice();
        return out;
      }
      out = joined(out, this.#line(rest.slice(0, end + 1)));
      rest = rest.subarray(end + 1);
    }
    this.#held = nothing;
    return joined(out, rest.slice());
  }

  end(): Uint8Array {
    const rest = this.#held;
    this.#held = nothing;
    return rest;
  }

  /** What goes on in place of one line, its end included. */
  #line(line: Uint8Array): Uint8Array {
    const [text = '', ending = ''] = latinText(line).split(/(\r?\n)$/);
    const external = /^AUTH +EXTERNAL( +\S.*)?$/.exec(text);
    if (external === null) {
      this.isDone = text.startsWith('BEGIN');
      return line;
    }
    this.isDone = true;
    // Without an identity the client means: look at my credentials. Those are of the role, too.
    if (external[1] === undefined) return line;
    const digits = [...String(this.#uid)].map((digit) => digit.charCodeAt(0).toString(16)).join('');
    return latinBytes(`AUTH EXTERNAL ${digits}${ending}`);
  }
}

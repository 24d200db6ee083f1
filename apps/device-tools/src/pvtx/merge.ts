/** Adding packages to a state and removing them: what belongs to a package is what its signature covers (pvtx.md §4). */
import { compareKeys, type Member, readState, writeState } from './state-text.ts';

/** Text of bytes in UTF-8, a door of the host. */
export type Decode = (bytes: Uint8Array) => string;

const signatureFolder = '_sigs/';

/**
 * Removes a part: `web`, `_config/web` and `_sigs/web.json` name the same one when its signature covers all of it. A key that another
 * signature covers, too, stays. The text is unchanged when nothing matches.
 * @throws Error when the text is no state
 */
export function removePart(state: string, part: string, decode: Decode): string {
  const members = readState(state);
  const kept = withoutParts(members, [part], decode);
  return kept.length === members.length ? state : writeState(kept);
}

/**
 * Adds all members of another state. What the signatures of the first one claim for a key that comes goes before, so that a package takes the place of
 * its former version; a key that is there in both has the value that comes.
 * @throws Error when one of the texts is no state
 */
export function addState(state: string, added: string, decode: Decode): string {
  const coming = readState(added);
  if (coming.length === 0) return state;
  const members = readState(state);
  const merged = new Map(
    [
      ...withoutParts(
        members,
        coming.map(({ key }) => key),
        decode,
      ),
      ...coming,
    ].map((member) => [member.key, member]),
  );
  return writeState([...merged.values()].sort((left, right) => compareKeys(left.key, right.key)));
}

/** What is left when each of the parts is removed from the same members. */
function withoutParts(members: readonly Member[], parts: readonly string[], decode: Decode): Member[] {
  const signatures = members
    .filter(({ key }) => key.startsWith(signatureFolder))
    .map(({ key, value }) => ({ name: key.slice(signatureFolder.length), patterns: patternsOf(value, decode) }));
  const claims = parts.map((part) => {
    const name = part.replace(/^_(config|sigs)\//, '');
    return { part, signature: signatures.findIndex((each) => each.name.startsWith(name)) };
  });
  return members.filter(({ key }) => {
    const counts = signatures.map(({ patterns }) => patterns.filter((pattern) => key.startsWith(pattern)).length);
    const all = counts.reduce((sum, each) => sum + each, 0);
    return !claims.some(({ part, signature }) => {
      const own = (key.startsWith(part) ? 1 : 0) + (counts[signature] ?? 0);
      return own >= 1 && all <= own;
    });
  });
}

/** None of a value that is no signature. */
function patternsOf(value: string, decode: Decode): string[] {
  try {
    const { pvs } = JSON.parse(decode(fromBase64(JSON.parse(value).protected)));
    return [...pvs.include, ...pvs.exclude].map((pattern: string) => pattern.replace(/\*.*/s, ''));
  } catch {
    return [];
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** base64url (RFC 4648 §5); the standard alphabet and padding are taken, too. */
function fromBase64(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const character of text.replace(/=+$/, '').replace(/\+/g, '-').replace(/\//g, '_')) {
    const value = alphabet.indexOf(character);
    if (value < 0) throw new Error('no base64url');
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push((bits >> held) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

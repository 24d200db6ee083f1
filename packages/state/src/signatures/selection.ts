/** Which keys of a state a signature speaks of, and the exact text that it signs (signatures §4, §5). */
import type { JsonMember } from '../json/nodes.ts';
import { fnmatch, type Matcher } from './fnmatch.ts';

export interface Selection {
  /** Keys whose values are signed, in document order. */
  included: JsonMember[];
  /** Keys that the signer left out on purpose; they count as covered. */
  excluded: JsonMember[];
}

/**
 * Prepares a pattern of `pvs.include` or `pvs.exclude`. A pattern that ends in `/**` matches the directory and all below.
 * `**` alone matches nothing: the original hands fnmatch an empty pattern. A device that took it for everything would sign
 * and verify other bytes than all others.
 */
export function keyPattern(pattern: string): Matcher {
  if (pattern === '**') return () => false;
  if (pattern.endsWith('/**')) return fnmatch(pattern.slice(0, -3), true);
  return fnmatch(pattern);
}

/**
 * Applies the patterns of one signature to all members of the document, `#spec` and signatures among them. Keys are
 * compared as they are meant, with escape sequences decoded.
 */
export function selectMembers(
  members: readonly JsonMember[],
  include: readonly string[],
  exclude: readonly string[],
): Selection {
  const wanted = include.map(keyPattern);
  const unwanted = exclude.map(keyPattern);
  const selection: Selection = { included: [], excluded: [] };
  for (const member of members) {
    if (unwanted.some((matches) => matches(member.key))) selection.excluded.push(member);
    else if (wanted.some((matches) => matches(member.key))) selection.included.push(member);
  }
  return selection;
}

/**
 * The signed text: an object of the included members in document order, every name and value exactly as it stands in the
 * document. Values that are neither objects nor lists are written in quotes, as the original does for all of them.
 */
export function payloadOf(text: string, included: readonly JsonMember[]): string {
  const members = included.map(({ keyStart, keyEnd, value }) => {
    const slice = text.slice(value.start, value.end);
    const quoted = value.kind === 'object' || value.kind === 'array' || value.kind === 'string' ? slice : `"${slice}"`;
    return `"${text.slice(keyStart, keyEnd)}":${quoted}`;
  });
  return `{${members.join(',')}}`;
}

/** A state as its members, each value exactly as it was written: numbers, order and blanks inside a value are signed or hashed elsewhere. */

/** What every state begins with, and the only kind of state that a transaction makes. */
export const stateSpec = 'pantavisor-service-system@1';
/** Longest text of a state, in characters. */
export const stateLimit = 8 * 1024 * 1024;

export interface Member {
  key: string;
  /** The key in its quotes, as written. */
  name: string;
  /** The text of the value. */
  value: string;
}

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

/**
 * The members of a JSON object in the order of the text, duplicates included.
 * @throws Error when the text is no JSON object
 */
export function readMembers(text: string): Member[] {
  const whole: unknown = JSON.parse(text);
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) throw new Error('it is no JSON object');
  const members: Member[] = [];
  let depth = 0;
  let name = '';
  let start = 0;
  for (const { 0: found, index } of text.matchAll(token)) {
    const closes = found === '}' || found === ']';
    if (depth === 1 && name === '' && found[0] === '"') name = found;
    else if (depth === 1 && found === ':') start = index + 1;
    else if (name !== '' && (depth === 1 ? closes || found === ',' : false)) {
      members.push({ key: JSON.parse(name), name, value: text.slice(start, index).trim() });
      name = '';
    }
    if (found === '{' || found === '[') depth += 1;
    if (closes) depth -= 1;
  }
  return members;
}

/**
 * The members of a state without `#spec`, in byte order of their keys; of duplicates the last one counts, as it does on the device.
 * @throws Error when it is no state of the one kind there is
 */
export function readState(text: string): Member[] {
  const last = new Map(readMembers(text).map((member) => [member.key, member]));
  const spec = last.get('#spec');
  if (spec && JSON.parse(spec.value) !== stateSpec) throw new Error(`its #spec is ${spec.value}, not "${stateSpec}"`);
  last.delete('#spec');
  return [...last.values()].sort((left, right) => compareKeys(left.key, right.key));
}

/** The text of a state: `#spec`, then the members, without blanks. */
export function writeState(members: readonly Member[]): string {
  return `{${[`"#spec":"${stateSpec}"`, ...members.map(({ name, value }) => `${name}:${value}`)].join(',')}}`;
}

/** The order of the keys' UTF-8 bytes, which is that of code points. */
export function compareKeys(left: string, right: string): number {
  const end = Math.min(left.length, right.length);
  for (let at = 0; at < end; at += 1) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    // Halves of large code points are smaller numbers than the last ones that need no second half.
    if (a !== b) return a < 0xd800 || b < 0xd800 ? a - b : isHalf(a) === isHalf(b) ? a - b : isHalf(a) ? 1 : -1;
  }
  return left.length - right.length;
}

const isHalf = (code: number) => code >= 0xd800 && code <= 0xdfff;

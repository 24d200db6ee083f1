/**
 * Path patterns as the C library's fnmatch(3) reads them with FNM_PATHNAME: `*`, `?` and `[…]` do not match a slash,
 * leading dots are ordinary, a backslash takes the next character as it is.
 *
 * Patterns come from headers that are not yet verified, so matching follows all possibilities at once instead of trying
 * one after the other: it takes time in proportion to pattern times path, whatever the pattern.
 */

export type Matcher = (path: string) => boolean;

type Token = 'any' | ((character: string) => boolean);

/**
 * Prepares a pattern.
 *
 * @param leadingDirectory FNM_LEADING_DIR: the pattern may also match a leading part of the path that a slash follows
 */
export function fnmatch(pattern: string, leadingDirectory = false): Matcher {
  if (!/[*?[\\]/.test(pattern)) {
    return (path) => path === pattern || (leadingDirectory && path.startsWith(`${pattern}/`));
  }
  const tokens = tokensOf(Array.from(pattern));
  if (!tokens) return () => false;
  return (path) => run(tokens, Array.from(path), leadingDirectory);
}

function run(tokens: readonly Token[], path: readonly string[], leadingDirectory: boolean): boolean {
  // reached[i]: the tokens so far can match the first i characters.
  let reached = new Uint8Array(path.length + 1);
  reached[0] = 1;
  for (const token of tokens) {
    const next = new Uint8Array(path.length + 1);
    let open = 0;
    for (let at = 0; at <= path.length; at += 1) {
      if (token === 'any') {
        open |= reached[at] ?? 0;
        next[at] = open;
        if (path[at] === '/') open = 0;
      } else if (reached[at] === 1 && token(path[at] ?? '')) next[at + 1] = 1;
    }
    reached = next;
  }
  return reached.some((yes, at) => yes === 1 && (at === path.length || (leadingDirectory && path[at] === '/')));
}

/** Undefined when the pattern ends in a lone backslash, which matches nothing. */
function tokensOf(pattern: readonly string[]): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? '';
    const bracket = character === '[' ? readBracket(pattern, at + 1) : undefined;
    if (bracket) {
      tokens.push(bracket.token);
      at = bracket.end;
    } else if (character === '*') {
      if (tokens.at(-1) !== 'any') tokens.push('any');
    } else if (character === '?') tokens.push((found) => found !== '' && found !== '/');
    else if (character === '\\') {
      at += 1;
      const literal = pattern[at];
      if (literal === undefined) return undefined;
      tokens.push((found) => found === literal);
    } else tokens.push((found) => found === character);
  }
  return tokens;
}

/** Reads a bracket expression behind its `[`; undefined when it is not closed, and then the `[` is ordinary. */
function readBracket(pattern: readonly string[], start: number): { token: Token; end: number } | undefined {
  let at = start;
  const negated = pattern[at] === '!' || pattern[at] === '^';
  if (negated) at += 1;
  const ranges: [from: string, to: string][] = [];
  for (let first = true; at < pattern.length; first = false) {
    if (pattern[at] === ']' && !first) {
      const token = (found: string): boolean =>
        found !== '' && found !== '/' && ranges.some(([from, to]) => found >= from && found <= to) !== negated;
      return { token, end: at };
    }
    if (pattern[at] === '\\') at += 1;
    const from = pattern[at] ?? '';
    at += 1;
    let to = from;
    if (pattern[at] === '-' && pattern[at + 1] !== ']' && pattern[at + 1] !== undefined) {
      at += 1;
      if (pattern[at] === '\\') at += 1;
      to = pattern[at] ?? '';
      at += 1;
    }
    ranges.push([from, to]);
  }
  return undefined;
}

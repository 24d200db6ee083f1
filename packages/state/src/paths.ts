/** What may be a path or a name in a state. Every function returns the reason why not, or undefined when all is well. */

/** Length of a text in UTF-8 bytes; a lone surrogate counts as the three bytes of its replacement. */
export function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}

/**
 * True for nearly every path: short, and no component is empty or begins with a dot. Without regular expressions, which took half of the time
 * that the keys of a large state take on the small engine.
 */
function isPlain(path: string): boolean {
  // No unit takes more than three bytes.
  if (path === '' || path.length > 85 || path.startsWith('/') || path.startsWith('.') || path.endsWith('/'))
    return false;
  return !path.includes('//') && !path.includes('/.') && !path.includes('\0') && path.isWellFormed();
}

/**
 * A relative path that stays inside its directory and can be a file name: no empty, `.` or `..` components, no NUL, no
 * lone surrogates, components of at most 255 and paths of at most 3072 bytes (PATH_MAX less room for the storage path).
 */
export function whyNotRelativePath(path: string): string | undefined {
  if (isPlain(path)) return undefined;
  if (path === '') return 'it is empty';
  if (path.includes('\0')) return 'it holds a NUL character';
  if (!path.isWellFormed()) return 'it holds half a surrogate pair, which no file name can';
  if (path.startsWith('/')) return 'it is absolute';
  const components = path.split('/');
  if (components.includes('..')) return 'it climbs out with ".."';
  if (components.includes('.')) return 'it has the component "."';
  if (components.includes('')) return 'it has an empty component';
  if (components.some((component) => utf8Length(component) > 255)) return 'a component is longer than 255 bytes';
  if (utf8Length(path) > 3072) return 'it is longer than 3072 bytes';
  return undefined;
}

/** One component of a path that is also a name for people: no slash, no control characters, at most 255 bytes. */
export function whyNotName(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.includes('/')) return 'it holds a slash';
  if (/^\.\.?$/.test(name)) return 'it means a directory';
  if (/\p{Cc}/u.test(name)) return 'it holds a control character';
  if (!name.isWellFormed()) return 'it holds half a surrogate pair';
  if (utf8Length(name) > 255) return 'it is longer than 255 bytes';
  return undefined;
}

/** A path below some root, where slashes around it do not matter: `/var/log`, `etc/example/`. */
export function whyNotPathBelow(path: string): string | undefined {
  const inner = path.replace(/^\/+|\/+$/g, '').replace(/\/{2,}/g, '/');
  return whyNotRelativePath(inner);
}

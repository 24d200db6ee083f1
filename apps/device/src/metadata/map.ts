/** Pairs of metadata in memory, and the JSON text that clients and the Hub get of them (metadata.md §1). */

/** Part of a key that belongs to a container: `app.foo.bar` is `foo.bar` of `app`. */
export interface ContainerPart {
  container: string;
  name: string;
}

/** Names that cannot be those of files, or that are hidden: a key like this has no file of its own. */
const isFileName = (name: string) => name !== '' && !name.startsWith('.') && !name.includes('/') && name.length <= 255;

/** Whether a key can be kept as a file of its name. */
export function isStorableKey(key: string): boolean {
  return isFileName(key) && !key.includes('\0');
}

/** Cuts a key at its first dot; undefined when it belongs to no container. Whether such a container exists does not matter. */
export function containerPart(key: string): ContainerPart | undefined {
  const dot = key.indexOf('.');
  if (dot <= 0) return undefined;
  const [container, name] = [key.slice(0, dot), key.slice(dot + 1)];
  return isFileName(container) && isFileName(name) ? { container, name } : undefined;
}

/** Text as a JSON string in the way of the original: quotes, backslashes and control characters as `\u00XX`. */
export function quote(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that JSON does not allow in strings.
  const escaped = text.replace(/["\\\u0000-\u001f]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return `\\u${code}`;
  });
  return `"${escaped}"`;
}

/** A value in the JSON form: objects and arrays as they are, everything else as text. */
function valueText(value: string): string {
  if (/^\s*[[{]/.test(value)) {
    try {
      JSON.parse(value);
      return value;
    } catch {
      // Text that only looks like JSON is text.
    }
  }
  return quote(value);
}

/** Pairs in the order of their first setting, newest first; changing a value keeps its place. */
export class MetadataMap {
  readonly #values = new Map<string, string>();

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** @returns whether anything changed */
  set(key: string, value: string): boolean {
    if (this.#values.get(key) === value) return false;
    this.#values.set(key, value);
    return true;
  }

  /** @returns whether it was there */
  delete(key: string): boolean {
    return this.#values.delete(key);
  }

  /** Newest first. */
  entries(): [key: string, value: string][] {
    return [...this.#values].reverse();
  }

  /** One JSON object without blanks, newest first; entries without a value are left out. */
  json(): string {
    const members = this.entries().flatMap(([key, value]) =>
      value === '' ? [] : [`${quote(key)}:${valueText(value)}`],
    );
    return `{${members.join(',')}}`;
  }
}

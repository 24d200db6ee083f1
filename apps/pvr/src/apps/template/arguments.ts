/** Arguments of a template: `args` of src.json. */

export class TemplateArguments {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** Present and not empty. Any text sets a boolean, also "no". */
  has(name: string): boolean {
    const value = this.#values[name];
    if (value === undefined || value === null || value === '' || value === false || value === 0) return false;
    return !(Array.isArray(value) && value.length === 0);
  }

  /** The value as text, when it is set. */
  text(name: string): string | undefined {
    return this.has(name) ? toText(this.#values[name]) : undefined;
  }

  /** The value as text, or the fallback when there is none at all; an empty text stays empty. */
  textOr(name: string, fallback: string): string {
    const value = this.#values[name];
    return value === undefined || value === null ? fallback : toText(value);
  }

  /** Items of a list; a single text counts as one item. */
  list(name: string): string[] {
    if (!this.has(name)) return [];
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(toText) : [toText(value)];
  }

  /** Any JSON, when it is set. Text that is JSON is taken as what it says. */
  json(name: string): unknown {
    const value = this.#values[name];
    if (!this.has(name) || typeof value !== 'string') return this.has(name) ? value : undefined;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  }

  /** Pairs of a comma list `a:b,c:d`. */
  pairs(name: string): [string, string][] {
    return (this.text(name) ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map((item) => {
        const [first = '', ...rest] = item.split(':');
        return [first, rest.join(':')];
      });
  }
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

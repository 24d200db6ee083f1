/** The text of an LXC configuration as a list of lines, order kept: later lines win or add, as in LXC itself (lxc.container.conf(5)). */

/** A setting; `key` is undefined for a line that is none, which LXC will refuse with its own words. */
export type LxcLine = { key: string; value: string } | { key: undefined; text: string };

/** Reads a configuration. Comments and empty lines are dropped; every other line appears, also one that cannot be right. */
export function parseLxcConfig(text: string): LxcLine[] {
  return text.split('\n').flatMap((raw): LxcLine[] => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const equals = line.indexOf('=');
    if (equals < 0) return [{ key: undefined, text: line }];
    return [{ key: line.slice(0, equals).trim(), value: line.slice(equals + 1).trim() }];
  });
}

/** Writes lines as LXC reads them. */
export function formatLxcConfig(lines: readonly LxcLine[]): string {
  return lines.map((line) => `${line.key === undefined ? line.text : `${line.key} = ${line.value}`}\n`).join('');
}

/** Value of the last line with a key; an empty value counts, it clears. */
export function lastValue(lines: readonly LxcLine[], key: string): string | undefined {
  return lines.findLast((line): line is { key: string; value: string } => line.key === key)?.value;
}

/** True when a line with this key, or with one that begins with `key.`, is there. */
export function hasKey(lines: readonly LxcLine[], key: string): boolean {
  return lines.some((line) => line.key === key || line.key?.startsWith(`${key}.`));
}

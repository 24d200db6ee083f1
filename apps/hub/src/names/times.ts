/** Times are milliseconds since 1970 inside and RFC 3339 on the wire; `null` is "never" (hub-api §1.2). */
export const never = '0001-01-01T00:00:00Z';

/** RFC 3339 in UTC with the trailing zeros of the fraction trimmed. */
export function wireTime(ms: number | null): string {
  return ms === null ? never : new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
}

/** @returns milliseconds, or undefined when the text is no RFC 3339 time */
export function parseTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/.test(text)) return undefined;
  const ms = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
  return Number.isNaN(ms) ? undefined : ms;
}

/** The query line of a fleet: what the console shows as text and as facets, and what the hub turns into SQL. */

/** Fields of a query line, with what they compare. */
export const fleetFields = {
  text: 'part of the nick, or the beginning of the id',
  status: 'status of the device, e.g. ERROR, or a class of them: good, moving, waiting, failed, unknown',
  rev: 'newest revision, e.g. 12, >10, <3',
  tag: 'user metadata whose name begins with "tag.": tag:site=berlin, or tag:site for any value',
  meta: 'any user or device metadata: meta:pantavisor.version=026, or meta:KEY for any value',
  seen: 'when the device was heard: <15m within the last 15 minutes, >7d not for seven days, never',
  public: 'yes or no',
} as const;
export type FleetField = keyof typeof fleetFields;

export interface FleetTerm {
  field: FleetField;
  /** Unquoted, e.g. `>10` or `site=berlin`. */
  value: string;
  /** `-` in front: what does not match. */
  negative: boolean;
}

export interface FleetQuery {
  terms: FleetTerm[];
  /** One sentence a term that cannot be used; such a term is not among `terms`. */
  problems: string[];
}

/** Statuses by class: what a person has to know first. Everything else is `unknown`. */
export const statusClasses = {
  good: ['DONE', 'UPDATED'],
  moving: ['QUEUED', 'DOWNLOADING', 'INPROGRESS', 'TESTING', 'SYNCING'],
  waiting: ['NEW'],
  failed: ['ERROR', 'WONTGO'],
} as const;
export type StatusClass = keyof typeof statusClasses | 'unknown';

/** Class of a status, e.g. `failed` for `ERROR`; a device without a revision has the status ''. */
export function classOfStatus(status: string): StatusClass {
  const found = Object.entries(statusClasses).find(([, statuses]) => (statuses as readonly string[]).includes(status));
  return (found?.[0] as StatusClass | undefined) ?? 'unknown';
}

const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `15m` in milliseconds; undefined when the text is no such duration. */
export function durationOf(text: string): number | undefined {
  const match = /^(\d{1,6})([smhdw])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * (seconds[match[2] ?? ''] ?? 0) * 1000;
}

const checks: Record<FleetField, (value: string) => boolean> = {
  text: () => true,
  status: (value) => /^[A-Za-z]+$/.test(value),
  rev: (value) => /^[<>]?\d{1,9}$/.test(value),
  tag: (value) => /^[^=]+(=.*)?$/s.test(value),
  meta: (value) => /^[^=]+(=.*)?$/s.test(value),
  seen: (value) => value === 'never' || (/^[<>]/.test(value) && durationOf(value.slice(1)) !== undefined),
  public: (value) => value === 'yes' || value === 'no',
};

/** Most terms of a query; more are a problem. */
const mostTerms = 30;

/**
 * Reads a query line: words separated by blanks, `field:value` or a bare word, `"…"` around blanks, `-` in front of what must
 * not match. Terms of one field mean any of them, different fields must all match. Never throws.
 */
export function parseFleetQuery(line: string): FleetQuery {
  const query: FleetQuery = { terms: [], problems: [] };
  for (const [word] of line.matchAll(/(?:"(?:[^"\\]|\\.)*"?|[^\s"])+/gs)) {
    const negative = word.length > 1 && word.startsWith('-');
    const { field, value } = splitWord(negative ? word.slice(1) : word);
    if (field === undefined)
      query.problems.push(`there is no field '${value}'; there are ${Object.keys(fleetFields).join(', ')}`);
    else if (value === '' || !checks[field](value))
      query.problems.push(`${field}:${value} cannot be used: ${fleetFields[field]}`);
    else if (query.terms.length >= mostTerms) query.problems.push(`more than ${mostTerms} terms cannot be used`);
    else query.terms.push({ field, value, negative });
  }
  return query;
}

function splitWord(word: string): { field: FleetField | undefined; value: string } {
  const match = /^([a-z]+):(.*)$/s.exec(word);
  if (match === null) return { field: 'text', value: unquote(word) };
  const [, name = '', rest = ''] = match;
  return Object.hasOwn(fleetFields, name)
    ? { field: name as FleetField, value: unquote(rest) }
    : { field: undefined, value: name };
}

const unquote = (text: string): string =>
  text.replaceAll(/"((?:[^"\\]|\\.)*)"?/gs, (_, inner: string) => inner.replaceAll(/\\(.)/gs, '$1'));

/** The line of some terms; reading it gives the same terms. */
export function formatFleetQuery(terms: readonly FleetTerm[]): string {
  return terms.map(formatTerm).join(' ');
}

function formatTerm({ field, value, negative }: FleetTerm): string {
  const bare = field === 'text' && !/^-|^[a-z]+:/s.test(value);
  const needsQuotes = value === '' || /[\s"\\]/.test(value) || (field === 'text' && !bare);
  const text = needsQuotes ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : value;
  return `${negative ? '-' : ''}${field === 'text' ? '' : `${field}:`}${text}`;
}

import { Failure } from './failure.ts';

const most = 100_000;
/** Entries of a page where none was asked for, and the largest page, of lists that grow with a fleet. */
const usual = 1_000;
const largest = 10_000;
/** Largest page of entries that each hold a state. */
export const largestOfStates = 1_000;

/** `page[size]` and `page[offset]` of a query; undefined when no size was asked for. @throws Failure 400 for other than whole numbers */
export function pageOf(query: Record<string, string | undefined>): { size: number; offset: number } | undefined {
  const size = wholeNumber(query['page[size]'], 'page[size]');
  const offset = wholeNumber(query['page[offset]'], 'page[offset]') ?? 0;
  return size === undefined
    ? offset === 0
      ? undefined
      : { size: most, offset }
    : { size: Math.min(size, most), offset };
}

/** A page of a list that grows with a fleet or with time: they always come in pages. @throws Failure 400 for other than whole numbers */
export function boundedPageOf(
  query: Record<string, string | undefined>,
  most = largest,
): { size: number; offset: number } {
  const size = wholeNumber(query['page[size]'], 'page[size]') ?? usual;
  return { size: Math.min(size, most), offset: wholeNumber(query['page[offset]'], 'page[offset]') ?? 0 };
}

/** Name and direction of a `sort` parameter, `-` in front = descending; `fallback` for a name that is not in `known`. */
export function sortOf(
  text: string | undefined,
  known: object,
  fallback: string,
): { name: string; direction: 'asc' | 'desc' } {
  const bare = (sort: string) => sort.replace(/^[-+ ]/, '');
  const sort = text !== undefined && Object.hasOwn(known, bare(text)) ? text : fallback;
  return { name: bare(sort), direction: sort.startsWith('-') ? 'desc' : 'asc' };
}

/** A whole number of a query, or undefined when it is absent or empty. @throws Failure 400 */
export function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new Failure('bad-request', `cannot use ${name}='${text}': this is no whole number`);
  return number;
}

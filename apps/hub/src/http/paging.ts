import { Failure } from './failure.ts';

const most = 100_000;

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

/** A whole number of a query, or undefined when it is absent or empty. @throws Failure 400 */
export function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new Failure('bad-request', `cannot use ${name}='${text}': this is no whole number`);
  return number;
}

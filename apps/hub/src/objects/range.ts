/**
 * Reads a Range header (RFC 9110 §14.2) with a single range; several ranges or another unit are ignored, as a server may.
 * @returns first and last byte, undefined for the whole, or that the range lies outside
 */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(from) > Number(to)) return undefined;
  return start >= size || end < start ? 'unsatisfiable' : { start, end };
}

/** Names of revisions: a number that the Hub gave, or `locals/` and a name given on the device (state-format.md §10). */

const longestLocal = 64;
const longestName = 255;
const localPrefix = 'locals/';
/** Entries of the trails directory that are no revisions. */
const reserved = new Set(['current', 'locals']);

/** One path segment that can be a revision's directory. Leading dots are the storage's own working directories. */
function isSegment(text: string): boolean {
  return text !== '' && text.length <= longestName && !text.startsWith('.') && !/[/\0]/.test(text);
}

/** `locals/` and one segment of 1 to 64 characters. */
export function isLocalRevision(name: string): boolean {
  if (!name.startsWith(localPrefix)) return false;
  const local = name.slice(localPrefix.length);
  return isSegment(local) && local.length <= longestLocal;
}

/** Whether a name can be a revision at all. Anything else must not become part of a path. */
export function isRevisionName(name: string): boolean {
  return isLocalRevision(name) || (isSegment(name) && !reserved.has(name));
}

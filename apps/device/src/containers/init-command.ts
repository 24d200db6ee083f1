/** The first program of a container: reading `lxc.init.cmd` as its authors mean it, and writing it so that LXC understands it. */

/** LXC's default. */
const defaultInit = '/sbin/init';

/**
 * Splits a command as the templates write it: words separated by blanks, a word that begins with a quotation mark ends at the next
 * one of its kind. Nothing escapes (pvr.md §8.7).
 */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  const pattern = /\s*(?:"([^"]*)"|'([^']*)'|(\S+))/gy;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text))
    words.push(match[1] ?? match[2] ?? match[3] ?? '');
  return words.length === 0 ? [defaultInit] : words;
}

/** Writes words for the program `container-init`: every byte that could not stand in LXC's line as %XX, an empty word as `%`. */
export function encodeWords(words: readonly string[]): string {
  return words.map(encodeWord).join(' ');
}

function encodeWord(word: string): string {
  if (word === '') return '%';
  // The engine's own encoding leaves these few that could be mistaken for quotes or for the program's own signs.
  return encodeURI(word.toWellFormed()).replace(/['"#&;()!*~$?[\]]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase();
    return `%${code.padStart(2, '0')}`;
  });
}

/** True when LXC, which splits at blanks and knows no quotes, would read these words back as they are. */
export function isPlain(words: readonly string[]): boolean {
  return words.every((word) => /^[^\s"'\\]+$/.test(word));
}

/** Commit messages as a device takes them (control.md, `PUT /steps/<name>/commitmsg`). */

/** Longest commit message that the device takes, bytes. */
export const messageLimit = 256;

/** As much of a message as the device takes, without half a character. */
export function fittingMessage(message: string, encode: (text: string) => Uint8Array): string {
  let [kept, size] = ['', 0];
  for (const character of message) {
    size += encode(character).length;
    if (size > messageLimit) break;
    kept += character;
  }
  return kept;
}

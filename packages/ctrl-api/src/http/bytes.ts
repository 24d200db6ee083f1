/** Bytes and the text they stand for in HTTP. */

/** Text of bytes, one character each (ISO 8859-1). */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  // Spreading the bytes would step through them one by one, which an engine without a compiler does slowly.
  for (let at = 0; at < bytes.length; at += 4096)
    text += String.fromCharCode.apply(undefined, bytes.subarray(at, at + 4096) as unknown as number[]);
  return text;
}

/** All pieces one after the other; a single one is given as it is. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

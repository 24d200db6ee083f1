/** What stands between a client and its provider on the way there. */
export interface Filter {
  /** Takes the next bytes of the client; what of all so far can be sent on. Empty: more is needed. Undefined: the connection has to end. */
  push(bytes: Uint8Array): Uint8Array | undefined;
  /** The client sends nothing more; what is left to be sent on. */
  end(): Uint8Array;
  /** Sees what the provider answers, before the client does; what can be sent on now as with `push`. */
  answered?(bytes: Uint8Array): Uint8Array | undefined;
  /** It changes nothing any more, and need not be asked. */
  readonly isDone: boolean;
}

export const nothing = new Uint8Array(0);

export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  if (second.length === 0) return first;
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** Bytes as text, one character each (ISO 8859-1), so that nothing is lost. */
export function latinText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function latinBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

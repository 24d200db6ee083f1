/** Keys out of the bytes that a terminal sends (ECMA-48, xterm's control sequences, UTF-8). */

export type KeyName =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'home'
  | 'end'
  | 'page-up'
  | 'page-down'
  | 'insert'
  | 'delete'
  | 'enter'
  | 'tab'
  | 'back-tab'
  | 'backspace'
  | 'escape'
  | 'character'
  | 'paste'
  | 'control'
  | 'size';

export interface Key {
  name: KeyName;
  /** Of `character` and `paste` what was typed; of `control` the lower-case letter. Empty for all others. */
  text: string;
  /** Only of `size`: what the terminal says of itself when it is asked where its last cell is. */
  size?: { columns: number; rows: number };
}

/** Bytes of a paste that are kept; what is longer is cut. */
const pasteLimit = 64 * 1024;
/** A control sequence that is longer is no sequence. */
const sequenceLimit = 32;
const escapeByte = 0x1b;

const finals: Readonly<Record<string, KeyName>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  Z: 'back-tab',
  M: 'enter',
};
const numbered: Readonly<Record<string, KeyName>> = {
  '1': 'home',
  '2': 'insert',
  '3': 'delete',
  '4': 'end',
  '5': 'page-up',
  '6': 'page-down',
  '7': 'home',
  '8': 'end',
};
const plain: Readonly<Record<number, KeyName>> = {
  9: 'tab',
  10: 'enter',
  13: 'enter',
  8: 'backspace',
  127: 'backspace',
};

/** Decodes bytes as they come; what is cut in the middle waits for the rest. */
export class KeyDecoder {
  readonly #decode: (bytes: Uint8Array) => string;
  #held: number[] = [];
  /** Bytes of a paste that goes on. */
  #paste: number[] | undefined;

  /** @param decode text of UTF-8, a door of the host */
  constructor(decode: (bytes: Uint8Array) => string) {
    this.#decode = decode;
  }

  /** Bytes are held back: after a short while without others `flush` tells what they are. */
  get isWaiting(): boolean {
    return this.#held.length > 0;
  }

  /** Keys that are complete. */
  feed(bytes: Uint8Array): Key[] {
    const keys: Key[] = [];
    for (const byte of bytes) {
      if (this.#paste) this.#inPaste(byte, keys);
      else {
        this.#held.push(byte);
        this.#takeAll(keys, false);
      }
    }
    return keys;
  }

  /** Nothing more comes: a lone escape is the key of that name. */
  flush(): Key[] {
    const keys: Key[] = [];
    this.#takeAll(keys, true);
    return keys;
  }

  #takeAll(keys: Key[], isEnd: boolean): void {
    for (let held = -1; this.#held.length > 0 && this.#held.length !== held; ) {
      held = this.#held.length;
      this.#take(keys, isEnd);
    }
  }

  #inPaste(byte: number, keys: Key[]): void {
    const paste = this.#paste!;
    paste.push(byte);
    const end = '\u001b[201~';
    if (byte !== 0x7e || paste.length < end.length) return;
    if (String.fromCharCode(...paste.slice(-end.length)) !== end) return;
    this.#paste = undefined;
    const text = this.#decode(Uint8Array.from(paste.slice(0, -end.length).slice(0, pasteLimit)));
    keys.push({ name: 'paste', text: text.replace(/\r\n?/g, '\n') });
  }

  /** Takes one key from what is held, or none when it is not whole yet. */
  #take(keys: Key[], isEnd: boolean): void {
    const [first, second] = this.#held as [number, number | undefined];
    if (first === escapeByte) {
      if (second === undefined) {
        if (isEnd) this.#found(keys, 1, { name: 'escape', text: '' });
        return;
      }
      if (second === 0x5b || second === 0x4f) this.#sequence(keys, isEnd);
      // Escape and something else: the key was pressed, and then another one.
      else this.#found(keys, 1, { name: 'escape', text: '' });
      return;
    }
    const name = plain[first];
    if (name !== undefined) this.#found(keys, 1, { name, text: '' });
    else if (first < 0x20) {
      const letter = String.fromCharCode(first + 0x60);
      this.#found(keys, 1, { name: 'control', text: letter });
    } else this.#character(keys, isEnd);
  }

  #character(keys: Key[], isEnd: boolean): void {
    const first = this.#held[0]!;
    const length = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
    const wrong = this.#held.slice(1, length).findIndex((byte) => (byte & 0xc0) !== 0x80);
    if (this.#held.length < length && wrong < 0 && !isEnd) return;
    const taken = wrong < 0 ? Math.min(length, this.#held.length) : wrong + 1;
    const text = this.#decode(Uint8Array.from(this.#held.slice(0, taken)));
    this.#found(keys, taken, text.includes('\ufffd') ? undefined : { name: 'character', text });
  }

  #sequence(keys: Key[], isEnd: boolean): void {
    const at = this.#held.findIndex((byte, index) => index >= 2 && byte >= 0x40 && byte <= 0x7e);
    if (at < 0) {
      // Nothing that a terminal sends is so long, or has such bytes in it.
      const isNone = this.#held.length > sequenceLimit || this.#held.some((byte, index) => index >= 2 && byte < 0x20);
      if (isNone || isEnd) this.#found(keys, isEnd && this.#held.length > 1 ? this.#held.length : 1, undefined);
      return;
    }
    const final = String.fromCharCode(this.#held[at]!);
    const parameters = String.fromCharCode(...this.#held.slice(2, at));
    const [number = ''] = parameters.split(';');
    if (final === '~' && number === '200') {
      this.#paste = [];
      this.#found(keys, at + 1, undefined);
      return;
    }
    const place = /^(\d+);(\d+)$/.exec(parameters);
    const name = final === '~' ? numbered[number] : finals[final];
    const key: Key | undefined =
      final === 'R' && place
        ? { name: 'size', text: '', size: { rows: Number(place[1]), columns: Number(place[2]) } }
        : name && { name, text: '' };
    this.#found(keys, at + 1, key);
  }

  #found(keys: Key[], length: number, key: Key | undefined): void {
    this.#held = this.#held.slice(length);
    if (key) keys.push(key);
  }
}

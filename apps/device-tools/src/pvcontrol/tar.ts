/**
 * Reading a tar archive (ustar and pax, IEEE Std 1003.1-2017 §4; long names and large sizes of GNU tar) from beginning to end with constant
 * memory. Plain ECMAScript, since the libraries for it are made of Node's streams.
 */

export interface TarMember {
  /** As it stands in the archive. */
  name: string;
  isFile: boolean;
  size: number;
  /** To be read before the next member is asked for; what was not read is skipped then. */
  content: AsyncIterable<Uint8Array>;
}

const block = 512;
/** Longest name, and longest header that only describes the next member, bytes. */
const longestHeader = 64 * 1024;

/** @throws Error when the archive is damaged or ends early */
export async function* readTar(
  pieces: AsyncIterable<Uint8Array>,
  decode: (bytes: Uint8Array) => string,
): AsyncGenerator<TarMember> {
  const source = new Source(pieces);
  const described = async (size: number): Promise<string> => {
    if (size > longestHeader) throw new Error(`a header of the archive has more than ${longestHeader} bytes`);
    const bytes = await source.exactly(size);
    await source.skip(padding(size));
    return decode(bytes);
  };
  let next: { path?: string; size?: number } = {};
  for (;;) {
    const header = await source.exactly(block, true);
    // Two empty blocks end an archive; many writers leave one, or none.
    if (header.length === 0 || header.every((byte) => byte === 0)) return;
    checkSum(header);
    const size = next.size ?? numberIn(header, 124, 12);
    const kind = String.fromCharCode(header[156]!);
    if (kind === 'x') {
      next = { ...next, ...paxRecords(await described(size)) };
      continue;
    }
    if (kind === 'L') {
      next.path = (await described(size)).replace(/\0[\s\S]*$/, '');
      continue;
    }
    const name = next.path ?? plainName(header, decode);
    next = {};
    let left = size;
    const content = async function* () {
      while (left > 0) {
        const piece = await source.piece(left);
        left -= piece.length;
        yield piece;
      }
    };
    yield { name, isFile: kind === '0' || kind === '\0' || kind === '7', size, content: content() };
    await source.skip(left + padding(size));
  }
}

const padding = (size: number) => (block - (size % block)) % block;

function textIn(header: Uint8Array, at: number, length: number): Uint8Array {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

function plainName(header: Uint8Array, decode: (bytes: Uint8Array) => string): string {
  const isPosix = String.fromCharCode(...header.subarray(257, 263)) === 'ustar\0';
  const prefix = isPosix ? decode(textIn(header, 345, 155)) : '';
  const name = decode(textIn(header, 0, 100));
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Octal digits, or the base-256 form of GNU tar for what does not fit. */
function numberIn(header: Uint8Array, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  if (field[0]! & 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, field[0]! & 0x7f);
    if (!Number.isSafeInteger(value)) throw new Error('a number in the archive is too large');
    return value;
  }
  const text = String.fromCharCode(...textIn(header, at, length)).trim();
  if (!/^[0-7]*$/.test(text)) throw new Error('a number in the archive is none');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

/** The sum of all bytes with the field itself as blanks. */
function checkSum(header: Uint8Array): void {
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (sum !== numberIn(header, 148, 8)) throw new Error('the archive is damaged, or no tar');
}

/** `<length> <key>=<value>\n`, as often as there are; lengths count bytes, which only matters to who looks for one. */
function paxRecords(text: string): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  for (const line of text.split('\n')) {
    const [, key, value = ''] = /^\d+ (path|size)=(.*)$/.exec(line) ?? [];
    if (key === 'path') found.path = value;
    if (key === 'size' && /^\d{1,15}$/.test(value)) found.size = Number(value);
  }
  return found;
}

/** Takes bytes by count. */
class Source {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Some bytes, at most so many. */
  async piece(most: number): Promise<Uint8Array> {
    if (!(await this.#more())) throw new Error('the archive ends early');
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** So many bytes; none where the archive may end. */
  async exactly(count: number, mayEnd = false): Promise<Uint8Array> {
    if (mayEnd && !(await this.#more())) return new Uint8Array();
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const piece = await this.piece(count - at);
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.piece(left)).length;
  }

  async #more(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done) return false;
      this.#rest = next.value;
    }
    return true;
  }
}

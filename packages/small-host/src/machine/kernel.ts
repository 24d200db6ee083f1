/**
 * System calls with JavaScript values. Paths and buffers go through the window that the C host shares; a call lays its arguments out from
 * the window's start, so nothing in the window outlives one call unless it was taken out.
 */
import { type Architecture, architectures, type SystemCall, systemCalls } from './calls.ts';
import { errnoName } from './errno.ts';
import type { Machine } from './machine.ts';
import { decodeText, encodeText } from './text.ts';

/** A system call that failed: `code` is the kernel's name of the reason, e.g. `ENOENT`. */
export class SystemCallError extends Error {
  override name = 'SystemCallError';
  readonly code: string;
  readonly call: string;
  readonly path: string | undefined;
  constructor(code: string, call: string, path?: string) {
    super(`cannot ${call}${path === undefined ? '' : ` ${path}`}: ${code}`);
    this.code = code;
    this.call = call;
    this.path = path;
  }
}

/** The directory descriptor that stands for the current directory. */
export const atCurrentDirectory = -100;

/** Where bytes for reading and writing lie in the window; paths go below. */
export const bufferOffset = 64 * 1024;
/** Bytes that one read or write can carry. */
export const bufferSize = 128 * 1024;

/** Where text is encoded and decoded: behind the lines of the trace, so that it disturbs no buffer. */
const textOffset = bufferOffset + bufferSize + 8192;
const textSize = 57_000;

/** What `machine.put` says of a text with a NUL in it. */
const holdsNul = -84;

/** Learns of a system call; it may make others only through `machine.sys`, and must leave the window below as it is. */
export type CallWatcher = (call: SystemCall, pointers: number, values: readonly number[], result: number) => void;

export class Kernel {
  readonly machine: Machine;
  readonly architecture: Architecture;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #numbers: Record<SystemCall, number>;
  #watcher: CallWatcher | undefined;

  constructor(machine: Machine) {
    this.machine = machine;
    this.architecture = architectures[machine.architecture()]!;
    this.#numbers = systemCalls(this.architecture);
    this.bytes = new Uint8Array(machine.window);
    this.view = new DataView(machine.window);
  }

  /** The raw result: negative errno on failure. Bit i of `pointers` marks argument i as an offset of the window. */
  raw(
    call: SystemCall,
    pointers: number,
    a?: number,
    b?: number,
    c?: number,
    d?: number,
    e?: number,
    f?: number,
  ): number {
    // One parameter each: lists of them, gathered and spread, cost more than the call.
    const result = this.machine.sys(this.#numbers[call], pointers, a ?? 0, b ?? 0, c ?? 0, d ?? 0, e ?? 0, f ?? 0);
    if (this.#watcher) {
      const values = [a, b, c, d, e, f].filter((value) => value !== undefined);
      this.#watcher(call, pointers, values, result);
    }
    return result;
  }

  /** From now on tells of every system call that `raw` and `call` make, after it was made. */
  watchCalls(watcher: CallWatcher): void {
    this.#watcher = watcher;
  }

  /** Writes bytes of the window without telling the watcher, which uses this itself. */
  writeUnwatched(descriptor: number, offset: number, length: number): void {
    this.machine.sys(this.#numbers.write, 0b10, descriptor, offset, length);
  }

  /** As `raw`; repeats on EINTR and throws SystemCallError on failure. */
  call(call: SystemCall, pointers: number, values: readonly number[], path?: string): number {
    const [a, b, c, d, e, f] = values;
    for (;;) {
      const result = this.raw(call, pointers, a, b, c, d, e, f);
      if (result >= 0) return result;
      if (result !== -4) throw new SystemCallError(errnoName(result), call, path);
    }
  }

  /** Puts a path with its NUL at an offset; the offset behind it. Throws ENAMETOOLONG or, with a NUL in the path, EINVAL. */
  putPath(path: string, offset = 0): number {
    const length = this.machine.put(path, offset, path.length);
    if (length === holdsNul) throw new SystemCallError('EINVAL', 'use', path.replaceAll('\0', '\\0'));
    if (length < 0 || length > 4095) throw new SystemCallError('ENAMETOOLONG', 'use', `${path.slice(0, 60)}…`);
    this.bytes[offset + length] = 0;
    return offset + length + 1;
  }

  /** Puts text, which may hold NULs, into the window; its length in bytes. */
  putText(text: string, offset: number): number {
    const length = this.machine.put(text, offset, text.length);
    if (length >= 0) return length;
    const encoded = encodeText(text);
    this.bytes.set(encoded, offset);
    return encoded.length;
  }

  /** Text of a range of the window. */
  takeText(offset: number, length: number): string {
    const range = this.bytes.subarray(offset, offset + length);
    return range.includes(0) ? decodeText(range) : this.machine.take(offset, length);
  }

  /** Text of the first bytes of the buffer that `read` fills. */
  takeBuffer(length: number): string {
    return this.takeText(bufferOffset, length);
  }

  /** UTF-8 of text of any length; a lone surrogate becomes U+FFFD. */
  encode(text: string): Uint8Array {
    const pieces: Uint8Array[] = [];
    let total = 0;
    for (let begin = 0; begin < text.length; ) {
      let end = Math.min(text.length, begin + textSize / 3);
      // Not between the halves of a character.
      if (end < text.length && (text.charCodeAt(end) & 0xfc00) === 0xdc00) end -= 1;
      const piece = text.slice(begin, end);
      const length = piece.isWellFormed() ? this.machine.put(piece, textOffset, piece.length) : holdsNul;
      const bytes = length < 0 ? encodeText(piece) : this.bytes.slice(textOffset, textOffset + length);
      if (end === text.length && begin === 0) return bytes;
      pieces.push(bytes);
      total += bytes.length;
      begin = end;
    }
    const whole = new Uint8Array(total);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** Text of bytes of any length; what is malformed becomes U+FFFD. */
  decode(bytes: Uint8Array): string {
    if (bytes.includes(0)) return decodeText(bytes);
    let text = '';
    for (let begin = 0; begin < bytes.length; ) {
      let end = Math.min(bytes.length, begin + textSize);
      // Back to the first byte of a character; malformed text has nowhere better to be cut.
      for (let steps = 0; steps < 3 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80; steps += 1) end -= 1;
      this.bytes.set(bytes.subarray(begin, end), textOffset);
      text += this.machine.take(textOffset, end - begin);
      begin = end;
    }
    // What is malformed the engine reads in its own way.
    return text.includes('\ufffd') || !text.isWellFormed() ? decodeText(bytes) : text;
  }

  /** The result of a function of the C host; a negative one is thrown as SystemCallError. */
  door(result: number, operation: string, path?: string): number {
    if (result < 0) throw new SystemCallError(errnoName(result), operation, path);
    return result;
  }

  /** Ends a hash: 64 lower-case hex digits. */
  finishHash(context: number): string {
    this.door(this.machine.hashFinish(context, bufferOffset), 'hash');
    let text = '';
    for (const byte of this.bytes.subarray(bufferOffset, bufferOffset + 32)) text += byte.toString(16).padStart(2, '0');
    return text;
  }

  /** O_DIRECTORY and O_PATH: arm has its own bits for the first. */
  get directoryFlag(): number {
    return this.architecture === 'x64' ? 0o200000 : 0o40000;
  }

  get pathFlag(): number {
    return 0o10000000;
  }

  /** Size of an open file. */
  sizeOf(descriptor: number): number {
    const size = this.call('lseek', 0, [descriptor, 0, 2]);
    this.seek(descriptor, 0);
    return size;
  }

  seek(descriptor: number, offset: number): void {
    this.call('lseek', 0, [descriptor, offset, 0]);
  }

  open(path: string, flags: number, mode = 0): number {
    this.putPath(path);
    return this.call('openat', 0b10, [atCurrentDirectory, 0, flags | openFlags.closeOnExec, mode], path);
  }

  /** Runs work in which new files get exactly the mode that is asked for; nothing else runs meanwhile. */
  exactModes<T>(work: () => T): T {
    const before = this.raw('umask', 0, 0);
    try {
      return work();
    } finally {
      this.raw('umask', 0, before);
    }
  }

  close(descriptor: number): void {
    this.raw('close', 0, descriptor);
  }

  /** Reads into the window at bufferOffset; the count, 0 at the end of the file. */
  read(descriptor: number, length = bufferSize): number {
    return this.call('read', 0b10, [descriptor, bufferOffset, Math.min(length, bufferSize)]);
  }

  /** Writes everything, in pieces that fit the window. */
  write(descriptor: number, data: Uint8Array): void {
    for (let done = 0; done < data.length; ) {
      const piece = data.subarray(done, done + bufferSize);
      this.bytes.set(piece, bufferOffset);
      for (let sent = 0; sent < piece.length; )
        sent += this.call('write', 0b10, [descriptor, bufferOffset + sent, piece.length - sent]);
      done += piece.length;
    }
  }
}

/** Flags of open(2); the same on all three architectures except where noted. */
export const openFlags = {
  readOnly: 0,
  writeOnly: 1,
  readWrite: 2,
  create: 0o100,
  exclusive: 0o200,
  /** O_NOCTTY: a terminal does not become that of this process. */
  noTerminal: 0o400,
  truncate: 0o1000,
  append: 0o2000,
  nonBlocking: 0o4000,
  closeOnExec: 0o2000000,
} as const;

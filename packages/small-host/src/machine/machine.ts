/** What the C host gives to the JavaScript program: see native/bridge.c. */
export interface Machine {
  /**
   * One system call. Bit i of `pointers`: argument i is an offset into the window. The result is that of the kernel, or the negative errno.
   */
  sys(number: number, pointers: number, ...values: number[]): number;
  /** Writes text as UTF-8 at an offset of the window, without a NUL; its length in bytes, or -105 when it does not fit. The text holds no NUL. */
  put(text: string, offset: number): number;
  /** Text from UTF-8 bytes of the window, which hold no NUL. */
  take(offset: number, length: number): string;
  /** Memory that both sides see. */
  readonly window: ArrayBuffer;
  /** Where the window lies in the address space of the process, for structures that hold pointers. */
  readonly windowAddress: number;
  /** Monotonic milliseconds with fractions. */
  now(): number;
  /** Architecture: 0 x86-64, 1 arm64, 2 32-bit arm. */
  architecture(): number;
  /** Starts a program; see kernel/spawn.ts. */
  spawn(request: number): number;
  /** SHA-256 contexts, by number; see hashing. */
  hashNew(): number;
  hashUpdate(context: number, offset: number, length: number): number;
  /** Writes 32 bytes at the offset and frees the context. */
  hashFinish(context: number, offset: number): number;
  /** Hashes up to `limit` bytes from the current position of a descriptor; bytes hashed, 0 at the end, or the negative errno. */
  hashDescriptor(context: number, descriptor: number, limit: number): number;
  /** Moves up to `limit` bytes between descriptors, hashing them when `context` is not 0; bytes moved or the negative errno. */
  move(context: number, from: number, to: number, limit: number): number;
  exit(code: number): never;
  /** Called by the C host over and over once the program is loaded: one turn of the event loop. */
  turn?: () => void;
}

declare global {
  /** Only in the small host. */
  var machine: Machine;
}

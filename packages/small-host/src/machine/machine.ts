/** What the C host gives to the JavaScript program: see native/bridge.c. */
export interface Machine {
  /**
   * One system call. Bit i of `pointers`: argument i is an offset into the window. The result is that of the kernel, or the negative errno.
   */
  sys(number: number, pointers: number, ...values: number[]): number;
  /**
   * Writes text as UTF-8 at an offset of the window, without a NUL; its length in bytes, or -105 when it does not fit. Given the length of
   * the text it tells a text that holds a NUL: -84. Without it, the text holds none.
   */
  put(text: string, offset: number, length?: number): number;
  /** Text from UTF-8 bytes of the window, which hold no NUL. */
  take(offset: number, length: number): string;
  /** The engine's own figures: bytes and counts of objects, strings, functions and so on. */
  memoryUsage(): Record<string, number>;
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
  /** A SHA-2 context, by number: 256 bits, or 384 or 512 when asked. */
  hashNew(bits?: number): number;
  hashUpdate(context: number, offset: number, length: number): number;
  /** Hashes the base64url text of bytes; every piece but the last has a multiple of three bytes. */
  hashUpdateBase64(context: number, offset: number, length: number): number;
  /** Writes the digest (at most 64 bytes) at the offset and frees the context. */
  hashFinish(context: number, offset: number): number;
  /** Hashes up to `limit` bytes from the current position of a descriptor; bytes hashed, 0 at the end, or the negative errno. */
  hashDescriptor(context: number, descriptor: number, limit: number): number;
  /** Moves up to `limit` bytes between descriptors, hashing them when `context` is not 0; bytes moved or the negative errno. */
  move(context: number, from: number, to: number, limit: number): number;
  /** Begins the one compression (gzip, RFC 1952) there is; -16 while another goes on. */
  gzipNew(): number;
  /** Compresses the next 64 KiB of one descriptor into another; bytes read, 0 when that was all and everything is written. */
  gzipMove(from: number, to: number): number;
  gzipEnd(): number;
  /** Opens the one stream of gzip (RFC 1952) there is; -16 while it is open. */
  inflateNew(): number;
  /** Takes up to 64 KiB of compressed bytes over, once the last ones are used up; how many. */
  inflateFeed(offset: number, length: number): number;
  /** Writes what they stand for; how many bytes, 0 when more has to be fed, -71 when this is no gzip. */
  inflateTake(offset: number, limit: number): number;
  /** Frees the stream; -71 when it was not whole. */
  inflateEnd(): number;
  /**
   * Checks a signature of a digest. The key is PEM or DER, or a certificate as PEM; RSA with PKCS#1 v1.5, or ECDSA whose
   * signature is DER or r‖s. 1: it fits; 0: it does not; -22: the key cannot be read; -129: it cannot sign this way.
   */
  verifySignature(
    key: number,
    keyLength: number,
    bits: number,
    digest: number,
    signature: number,
    signatureLength: number,
  ): number;
  /** Whether the second certificate (both in base64) issued the first and may issue; 1, 0, or -22 when one is none. Dates do not count. */
  verifyIssued(certificate: number, length: number, issuer: number, issuerLength: number): number;
  /** Writes the last common name of a certificate (base64) at `to`; its length, -61 when it has none, -22 when it is no certificate. */
  commonName(certificate: number, length: number, to: number): number;
  /**
   * TLS over a connected socket; `authorities` is PEM, length 0 means those of the system. A session number, or a negative errno: -129 when
   * there are no authorities. All calls of a session: -11 means to call again, the same way, when the socket is ready.
   */
  tlsOpen(descriptor: number, name: number, nameLength: number, authorities: number, length: number): number;
  /** 0 when the certificate is good and belongs to the name, else -129 and others. */
  tlsHandshake(session: number): number;
  /** Bytes read, 0 at the announced end. */
  tlsRead(session: number, offset: number, limit: number): number;
  tlsWrite(session: number, offset: number, length: number): number;
  tlsClose(session: number): number;
  exit(code: number): never;
  /** Called by the C host over and over once the program is loaded: one turn of the event loop. */
  turn?: () => void;
}

declare global {
  /** Only in the small host. */
  var machine: Machine;
}

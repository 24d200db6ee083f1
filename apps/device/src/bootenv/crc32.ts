/** CRC-32 as in IEEE 802.3 and zlib: U-Boot protects its environment with it. */

const polynomial = 0xedb88320;

/** Checksum as an unsigned 32-bit number. */
export function crc32(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? polynomial : 0);
  }
  return ~remainder >>> 0;
}

/* The checksum of gzip (RFC 1952 §8) in place of zlib's, which is faster and twelve times as large; what is packed here are logs. */
#include <zlib.h>

enum { BYTES = 256 };
static const z_crc_t polynomial = 0xedb88320;

uLong crc32(uLong sum, const Bytef *bytes, uInt length) {
  static z_crc_t table[BYTES];
  if (!table[1])
    for (z_crc_t byte = BYTES; byte-- > 0;) {
      z_crc_t value = byte;
      for (int bit = 0; bit < 8; bit += 1) value = value & 1 ? value >> 1 ^ polynomial : value >> 1;
      table[byte] = value;
    }
  if (!bytes) return 0;
  z_crc_t rest = ~(z_crc_t)sum;
  while (length-- > 0) rest = table[(rest ^ *bytes++) & 0xff] ^ rest >> 8;
  return (z_crc_t)~rest;
}

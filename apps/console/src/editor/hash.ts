import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** SHA-256 in hex. Not WebCrypto's: browsers have that only over HTTPS, and a hub on a desk has none. */
export const hashOf = (content: Uint8Array): string => bytesToHex(sha256(content));

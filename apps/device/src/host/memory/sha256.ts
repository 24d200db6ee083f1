/** The first 32 bits of the fractional parts of `root` of the first `count` primes (FIPS 180-4 §4.2.2 and §5.3.3). */
function primeFractions(count: number, root: (prime: number) => number): number[] {
  const fractions: number[] = [];
  for (let candidate = 2; fractions.length < count; candidate += 1) {
    let prime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) prime &&= candidate % divisor !== 0;
    if (prime) fractions.push(Math.floor((root(candidate) % 1) * 4294967296));
  }
  return fractions;
}

const roundConstants = Uint32Array.from(primeFractions(64, Math.cbrt));
const startValues = primeFractions(8, Math.sqrt);

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function padded(data: Uint8Array): DataView {
  const bytes = new Uint8Array(Math.ceil((data.length + 9) / 64) * 64);
  bytes.set(data);
  bytes[data.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 8, Math.floor(data.length / 0x20000000));
  view.setUint32(bytes.length - 4, data.length << 3);
  return view;
}

/** SHA-256 (FIPS 180-4) as 64 lower-case hex digits. For simulations only: real hosts hash natively. */
export function sha256Hex(data: Uint8Array): string {
  const view = padded(data);
  const state = Uint32Array.from(startValues);
  const schedule = new Uint32Array(64);
  const word = (index: number) => schedule[index] ?? 0;
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let t = 0; t < 16; t += 1) schedule[t] = view.getUint32(block + t * 4);
    for (let t = 16; t < 64; t += 1) {
      const w15 = word(t - 15);
      const w2 = word(t - 2);
      const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
      const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
      schedule[t] = word(t - 16) + s0 + word(t - 7) + s1;
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
    for (let t = 0; t < 64; t += 1) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const first = (h + s1 + ((e & f) ^ (~e & g)) + (roundConstants[t] ?? 0) + word(t)) | 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] ?? 0) + value;
  }
  return Array.from(state, (value) => value.toString(16).padStart(8, '0')).join('');
}

/** The port `Signatures` over mbedTLS in the C host (signatures.md §5, §6). */
import { bufferOffset, bufferSize, type Kernel } from '@pantavisor/small-host';
import type { SignatureAlgorithm, SignatureCrypto, Verified } from '@pantavisor/state';
import { type Files, HostError, type Signatures } from '../ports.ts';
import { certificatesOfBundle, leadsToAnchor } from '../trust-chain.ts';

const digestBits: Readonly<Record<SignatureAlgorithm, number>> = { RS256: 256, ES256: 256, ES384: 384, ES512: 512 };
/** Where the digest lies while the key and the signature stand in the buffer. */
const digestOffset = 0;
/** A multiple of three, so that the base64 of the pieces is that of the whole. */
const piece = Math.floor(bufferSize / 3) * 3;

/** Reads keys and certificates anew each time: verification is rare, and files of trust may be replaced. */
export function createSignatures(kernel: Kernel, files: Files): Signatures {
  return {
    trust: (directory): SignatureCrypto => ({
      verify: async ({ algorithm, key, protected: header, payload, signature }) => {
        const bytes = decodeBase64Url(signature);
        if (bytes === undefined) return { ok: false, reason: 'the signature is no base64url' };
        return explained(async () => {
          const pem =
            key.kind === 'certificate'
              ? kernel.encode(`-----BEGIN CERTIFICATE-----\n${lines(key.certificate)}\n-----END CERTIFICATE-----\n`)
              : await files.read(`${directory}/pub.pem`);
          const bits = digestBits[algorithm];
          hashSigningInput(kernel, bits, header, payload);
          const [keyAt, signatureAt] = place(kernel, pem, bytes);
          const { machine } = kernel;
          const fits = machine.verifySignature(keyAt, pem.length, bits, digestOffset, signatureAt, bytes.length);
          kernel.door(fits, 'use the public key');
          return fits === 1 ? { ok: true } : { ok: false, reason: 'it does not fit the signed keys' };
        });
      },
      verifyChain: (chain, store) =>
        explained(async () => {
          if (chain.some((certificate) => nameLength(kernel, certificate) === notACertificate))
            return { ok: false, reason: 'the chain holds something that is no certificate' };
          const anchors = certificatesOfBundle(await files.readText(`${directory}/${store}.crt`));
          return leadsToAnchor(chain, anchors, {
            isSame: (left, right) => left === right,
            isIssuedBy: (certificate, issuer) => {
              const [at, issuerAt] = place(kernel, kernel.encode(certificate), kernel.encode(issuer));
              return kernel.machine.verifyIssued(at, certificate.length, issuerAt, issuer.length) === 1;
            },
          });
        }),
      commonName: async (certificate) => {
        const length = nameLength(kernel, certificate);
        return length < 0 ? undefined : kernel.takeText(digestOffset, length);
      },
    }),
  };
}

const notACertificate = -22;

/** Puts the common name at digestOffset; its length, or why there is none (negative errno). */
function nameLength(kernel: Kernel, certificate: string): number {
  const [at] = place(kernel, kernel.encode(certificate), new Uint8Array());
  return kernel.machine.commonName(at, certificate.length, digestOffset);
}

async function explained(work: () => Promise<Verified>): Promise<Verified> {
  try {
    return await work();
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Leaves the digest of `header.base64url(payload)` (RFC 7515 §5.2) in the window. */
function hashSigningInput(kernel: Kernel, bits: number, header: string, payload: string): void {
  const { machine } = kernel;
  const start = kernel.encode(`${header}.`);
  const bytes = kernel.encode(payload);
  const context = kernel.door(machine.hashNew(bits), 'hash');
  kernel.bytes.set(start, bufferOffset);
  machine.hashUpdate(context, bufferOffset, start.length);
  for (let offset = 0; offset < bytes.length; offset += piece) {
    const part = bytes.subarray(offset, offset + piece);
    kernel.bytes.set(part, bufferOffset);
    machine.hashUpdateBase64(context, bufferOffset, part.length);
  }
  kernel.door(machine.hashFinish(context, digestOffset), 'hash');
}

/** Puts two byte strings into the window, one after the other. */
function place(kernel: Kernel, first: Uint8Array, second: Uint8Array): [number, number] {
  if (first.length + second.length > bufferSize) throw new HostError('EFBIG', 'read', 'a key or certificate');
  kernel.bytes.set(first, bufferOffset);
  kernel.bytes.set(second, bufferOffset + first.length);
  return [bufferOffset, bufferOffset + first.length];
}

/** mbedTLS reads base64 in lines. */
const lines = (base64: string): string => base64.match(/.{1,64}/g)?.join('\n') ?? '';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function decodeBase64Url(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const character of text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')) {
    const value = alphabet.indexOf(character);
    if (value < 0) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 0xff);
  }
  return Uint8Array.from(bytes);
}

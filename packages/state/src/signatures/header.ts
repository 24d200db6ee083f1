/** The protected header of a pvs@2 signature (signatures §3). */
import { findMember, type JsonNode, type JsonObject } from '../json/nodes.ts';
import { readJson } from '../json/reader.ts';
import { decodeBase64Text } from './base64.ts';

/** JWS algorithms (RFC 7518 §3.1) that signatures of states use. */
export const signatureAlgorithms = ['RS256', 'ES256', 'ES384', 'ES512'] as const;
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

export interface ProtectedHeader {
  algorithm: SignatureAlgorithm;
  /** Patterns of the keys that are signed, and of keys that are deliberately not. */
  include: string[];
  exclude: string[];
  /** Certificates as base64 DER, the signer's first; absent when the device's own public key verifies. */
  certificates?: string[];
}

/** Reads the header. A text is the reason why it cannot be used. The key that it may carry (`jwk`) is never trusted. */
export function readHeader(encoded: string): ProtectedHeader | string {
  const text = decodeBase64Text(encoded);
  if (text === undefined) return 'its protected header is no base64url text';
  const { root, problems } = readJson(text, { maxDepth: 32 });
  if (problems.length > 0 || root?.kind !== 'object') return 'its protected header is no JSON object';
  if (textOf(root, 'typ') !== 'PVS') return 'the type of its protected header is not PVS';
  const name = textOf(root, 'alg');
  const algorithm = signatureAlgorithms.find((known) => known === name);
  if (!algorithm) return `its algorithm ${name === undefined ? 'is missing' : `${JSON.stringify(name)} is unknown`}`;
  const selection = findMember(root, 'pvs')?.value;
  const include = selection?.kind === 'object' ? findMember(selection, 'include')?.value : undefined;
  const exclude = selection?.kind === 'object' ? findMember(selection, 'exclude')?.value : undefined;
  if (!include || !exclude) return 'its protected header has no pvs.include or pvs.exclude';
  const header: ProtectedHeader = { algorithm, include: texts(include), exclude: texts(exclude) };
  const chain = findMember(root, 'x5c')?.value;
  if (chain) {
    header.certificates = texts(chain);
    if (header.certificates.length === 0) return 'its list of certificates is empty';
  }
  return header;
}

function textOf(object: JsonObject, key: string): string | undefined {
  const node = findMember(object, key)?.value;
  return node?.kind === 'string' ? node.value : undefined;
}

/** What is no list of texts selects nothing. */
function texts(node: JsonNode): string[] {
  return node.kind === 'array' ? node.items.flatMap((item) => (item.kind === 'string' ? [item.value] : [])) : [];
}

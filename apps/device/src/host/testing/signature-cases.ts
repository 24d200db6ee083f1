/** Keys, certificates and signatures for the conformance suite of the port `Signatures`, made with Node's cryptography. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { SignatureAlgorithm, SignatureRequest } from '@pantavisor/state';
import { makeSigner, type Signer } from '@pantavisor/state/testing/certificates.ts';
import type { SignatureCases } from './signatures.ts';

const digests = { RS256: 'sha256', ES256: 'sha256', ES384: 'sha384', ES512: 'sha512' } as const;
const header = Buffer.from('{"alg":"…","typ":"PVS"}').toString('base64url');
/** More than one piece of the small host's window, and no multiple of three. */
const payload = `{"text":"${'é😀x'.repeat(20_000)}"}`;

const base64 = (signer: Signer) => signer.certificate.toString('base64');
const pem = (signer: Signer) =>
  `-----BEGIN CERTIFICATE-----\n${base64(signer)
    .match(/.{1,64}/g)
    ?.join('\n')}\n-----END CERTIFICATE-----\n`;

/**
 * Writes the directory of trust and returns the questions about it.
 * @param directory exists and is empty
 */
export function makeSignatureCases(directory: string): SignatureCases {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const curves = {
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  };
  const keys = { RS256: rsa, ...curves };
  for (const [name, { publicKey }] of Object.entries(keys)) {
    mkdirSync(`${directory}/${name}`);
    writeFileSync(`${directory}/${name}/pub.pem`, publicKey.export({ type: 'spki', format: 'pem' }));
  }
  mkdirSync(`${directory}/der`);
  writeFileSync(`${directory}/der/pub.pem`, curves.ES256.publicKey.export({ type: 'spki', format: 'der' }));
  mkdirSync(`${directory}/garbage`);
  writeFileSync(`${directory}/garbage/pub.pem`, '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n');
  mkdirSync(`${directory}/none`);

  const request = (
    algorithm: SignatureAlgorithm,
    privateKey: KeyObject,
    dsaEncoding: 'der' | 'ieee-p1363' = 'der',
  ): SignatureRequest => {
    const input = `${header}.${Buffer.from(payload).toString('base64url')}`;
    const signature = sign(digests[algorithm], Buffer.from(input), { key: privateKey, dsaEncoding });
    const key = { kind: 'public-key' } as const;
    return { algorithm, key, protected: header, payload, signature: signature.toString('base64url') };
  };
  const verify: SignatureCases['verify'] = [];
  for (const [name, { privateKey }] of Object.entries(keys)) {
    const algorithm = name as SignatureAlgorithm;
    const good = request(algorithm, privateKey);
    const trust = `/${name}`;
    verify.push(
      { title: `${name}`, request: good, fits: true, trust },
      { title: `${name}, other payload`, request: { ...good, payload: `${payload} ` }, fits: false, trust },
      { title: `${name}, other header`, request: { ...good, protected: `${header}A` }, fits: false, trust },
      { title: `${name}, no signature`, request: { ...good, signature: '' }, fits: false, trust },
      { title: `${name}, no base64`, request: { ...good, signature: '*' }, fits: false, trust },
    );
    if (name !== 'RS256')
      verify.push({
        title: `${name}, r‖s`,
        request: request(algorithm, privateKey, 'ieee-p1363'),
        fits: true,
        trust,
      });
  }
  const root = makeSigner('root');
  const middle = makeSigner('middle', root);
  const signer = makeSigner('Müller, "Anna" + 1', middle);
  const stranger = makeSigner('stranger');
  const leaf = makeSigner('leaf', root, { authority: false });
  const byLeaf = makeSigner('by leaf', leaf);
  const impostor = makeSigner('middle', stranger);
  const good = request('ES256', curves.ES256.privateKey);
  const certified = request('ES256', signer.privateKey);
  verify.push(
    { title: 'key as DER', request: good, fits: true, trust: '/der' },
    { title: 'key of another kind', request: good, fits: false, trust: '/RS256' },
    { title: 'damaged key', request: good, fits: false, trust: '/garbage' },
    { title: 'no key', request: good, fits: false, trust: '/none' },
    {
      title: 'certificate',
      request: { ...certified, key: { kind: 'certificate', certificate: base64(signer) } },
      fits: true,
    },
    {
      title: "another's certificate",
      request: { ...certified, key: { kind: 'certificate', certificate: base64(stranger) } },
      fits: false,
    },
    {
      title: 'no certificate',
      request: { ...certified, key: { kind: 'certificate', certificate: 'AAAA' } },
      fits: false,
    },
  );
  const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  writeFileSync(`${directory}/roots.crt`, `# a comment\n${pem(makeSigner('other'))}${damaged}${pem(root)}`);
  writeFileSync(`${directory}/signers.crt`, pem(signer));
  writeFileSync(`${directory}/empty.crt`, '');
  const chain = (title: string, signers: Signer[], store: string, trusted: boolean) => ({
    title,
    certificates: signers.map(base64),
    store,
    trusted,
  });
  return {
    verify,
    chains: [
      chain('over a middle', [signer, middle], 'roots', true),
      chain('with the root', [signer, middle, root], 'roots', true),
      chain('issued by the root', [middle], 'roots', true),
      chain('the root itself', [root], 'roots', true),
      chain('a gap', [signer], 'roots', false),
      chain('wrong order', [signer, root, middle], 'roots', false),
      chain('a stranger', [stranger], 'roots', false),
      chain('an impostor of the same name', [signer, impostor, root], 'roots', false),
      chain('a leaf that issues', [byLeaf, leaf], 'roots', false),
      chain('the signer is trusted', [signer], 'signers', true),
      chain('another signer is trusted', [middle], 'signers', false),
      chain('nobody is trusted', [root], 'empty', false),
      chain('no store', [root], 'missing', false),
      { title: 'no certificate', certificates: ['AAAA'], store: 'roots', trusted: false },
      { title: 'an empty chain', certificates: [], store: 'roots', trusted: false },
    ],
    names: [
      { title: 'plain', certificate: base64(root), name: 'root' },
      { title: 'special characters', certificate: base64(signer), name: 'Müller, "Anna" + 1' },
      { title: 'no certificate', certificate: 'AAAA' },
    ],
  };
}

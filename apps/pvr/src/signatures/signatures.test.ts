import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { verifySignatures } from '@pantavisor/state';
import { makeWorkspace } from '../testing/workspace.ts';
import { chainProblem } from './keys.ts';
import { NodeSignatureCrypto } from './verify.ts';

function keyFiles(context: TestContext, kind: 'rsa' | 'P-256' | 'P-384' | 'P-521') {
  const directory = mkdtempSync(join(tmpdir(), 'pvr-keys-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const { privateKey, publicKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: kind });
  const [key, pub] = [join(directory, 'key.pem'), join(directory, 'pub.pem')];
  writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(pub, publicKey.export({ type: 'spki', format: 'pem' }));
  return { key, pub, publicKey, directory };
}

const headerOf = (path: string) =>
  JSON.parse(Buffer.from(JSON.parse(readFileSync(path, 'utf8')).protected, 'base64url').toString('utf8'));

for (const [kind, algorithm] of [
  ['rsa', 'RS256'],
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['P-521', 'ES512'],
] as const)
  test(`a part signed with ${algorithm} verifies here and on a device, and not after a change`, async (context) => {
    const { key, pub, publicKey } = keyFiles(context, kind);
    const space = makeWorkspace(context, { PVR_SIG_KEY: key, PVR_SIG_PUBKEY: pub });
    await space.ok(['init']);
    space.write({
      'app/f': 'file',
      'app/run.json': { name: 'app', n: 1.5 },
      'app/src.json': { s: 1 },
      'app1/f': 'x',
      '_config/app/etc/x': 'c',
    });
    await space.ok(['add', '.']);
    await space.ok(['commit']);
    await space.ok(['sig', 'add', '--part', 'app']);
    const header = headerOf(space.path('_sigs/app.json'));
    assert.deepEqual(Object.keys(header), ['alg', 'jwk', 'pvs', 'typ']);
    assert.equal(header.alg, algorithm);
    assert.deepEqual(header.pvs, {
      include: ['app/**', '_config/app/**'],
      exclude: ['app/src.json', '_sigs/app.json'],
    });
    assert.deepEqual(Object.keys(header.jwk), kind === 'rsa' ? ['kty', 'n', 'e'] : ['kty', 'crv', 'x', 'y']);
    await space.ok(['add', '.']);
    await space.ok(['commit']);
    assert.deepEqual(JSON.parse(await space.ok(['sig', 'ls'])), {
      protected: ['_config/app/etc/x', 'app/f', 'app/run.json'],
      excluded: ['_sigs/app.json', 'app/src.json'],
      notseen: ['#spec', 'app1/f'],
    });
    const state = readFileSync(space.path('.pvr/json'), 'utf8');
    const crypto = new NodeSignatureCrypto({ kind: 'keys', keys: [publicKey] });
    const verdict = await verifySignatures(state, { mode: 'lenient' }, crypto);
    assert.deepEqual(
      verdict.reasons.filter(({ code }) => code !== 'key-uncovered'),
      [],
    );
    assert.deepEqual(verdict.uncovered, ['#spec', 'app1/f']);

    space.write({ 'app/f': 'changed' });
    await space.ok(['commit']);
    const broken = await space.run(['sig', 'ls']);
    assert.equal(broken.code, 13);
    assert.match(broken.err, /cannot verify _sigs\/app\.json/);
    await space.ok(['sig', 'update']);
    assert.deepEqual(headerOf(space.path('_sigs/app.json')), header);
    await space.ok(['commit']);
    await space.ok(['sig', 'ls', 'app']);
  });

test('raw signatures take their patterns as they are, in the form of the original', async (context) => {
  const { key, pub } = keyFiles(context, 'P-256');
  const space = makeWorkspace(context, { PVR_SIG_KEY: key, PVR_SIG_PUBKEY: pub });
  await space.ok(['init']);
  space.write({ 'bsp/kernel': 'k', 'bsp/src.json': {}, 'device.json': {} });
  await space.ok(['add', '.']);
  await space.ok(['commit']);
  const out = await space.ok([
    'sig',
    '--with-payload',
    '--output',
    '-',
    'add',
    '--raw',
    'bsp',
    '-i',
    'bsp/**',
    '-i',
    'device.json',
    '-i',
    '#spec',
    '-e',
    'bsp/src.json',
  ]);
  assert.deepEqual(headerOf(space.path('_sigs/bsp.json')).pvs, {
    include: ['bsp/**', 'device.json', '#spec'],
    exclude: ['bsp/src.json', '_sigs/.json'],
  });
  const { payload } = JSON.parse(out);
  assert.deepEqual(Object.keys(JSON.parse(Buffer.from(payload, 'base64').toString())), [
    '#spec',
    'bsp/kernel',
    'device.json',
  ]);
  for (const [argv, code] of [
    [['sig', 'add'], 5],
    [['sig', 'add', '-p', 'a', '-r', 'b'], 5],
    [['sig', 'ls', 'missing'], 125],
    [['sig', '-k', '/nowhere', 'add', '-p', 'bsp'], 127],
  ] as const)
    assert.equal((await space.run(argv)).code, code, argv.join(' '));
});

test('certificates: the chain must lead to an authority, for signing code', async (context) => {
  const { directory } = keyFiles(context, 'P-256');
  const openssl = (...argv: string[]): void => {
    const { status, stderr } = spawnSync('openssl', argv, { cwd: directory, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...curve,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=authority',
    '-days',
    '2',
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  );
  for (const [name, usage] of [
    ['leaf', 'codeSigning'],
    ['web', 'serverAuth'],
  ] as const) {
    openssl('req', ...curve, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(join(directory, `${name}.ext`), `extendedKeyUsage=${usage}\n`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '1',
      '-extfile',
      `${name}.ext`,
    );
  }
  openssl('req', '-x509', ...curve, '-keyout', 'other.key', '-out', 'other.pem', '-subj', '/CN=stranger', '-days', '2');
  const read = (name: string) => new X509Certificate(readFileSync(join(directory, `${name}.pem`)));
  assert.equal(chainProblem([read('leaf')], [read('ca')]), undefined);
  assert.match(chainProblem([read('web')], [read('ca')])!, /not for signing code/);
  assert.match(chainProblem([read('leaf')], [read('other')])!, /no trusted certificate/);
  assert.match(chainProblem([read('leaf')], [read('ca')], new Date(Date.now() + 9 * 86_400_000))!, /valid only from/);
  assert.match(chainProblem([read('leaf'), read('leaf')], [])!, /no trusted certificate/);

  const space = makeWorkspace(context, {
    PVR_SIG_KEY: join(directory, 'leaf.key'),
    PVR_X5C_PATH: join(directory, 'leaf.pem'),
  });
  await space.ok(['init']);
  space.write({ 'app/f': 'x' });
  await space.ok(['add', '.']);
  await space.ok(['commit']);
  await space.ok(['sig', 'add', '-p', 'app']);
  assert.deepEqual(Object.keys(headerOf(space.path('_sigs/app.json'))), ['alg', 'jwk', 'pvs', 'typ', 'x5c']);
  await space.ok(['add', '.']);
  await space.ok(['commit']);
  await space.ok(['sig', '-c', join(directory, 'ca.pem'), 'ls']);
  const stranger = await space.run(['sig', '-c', join(directory, 'other.pem'), 'ls']);
  assert.equal(stranger.code, 13);
  assert.match(stranger.err, /no trusted certificate issued that of CN=leaf/);
});

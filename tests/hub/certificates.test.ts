import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createHash, createHmac, type webcrypto } from 'node:crypto';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import * as x509 from '@peculiar/x509';
import { readConfig } from '../../apps/hub/src/config/read.ts';
import { openDeviceAuthority } from '../../apps/hub/src/devices/authority.ts';
import { World } from './support/world.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const day = 24 * 3600 * 1000;
const arc = '1.3.6.1.4.1.54621.100';
const base64 = (pem: string) => Buffer.from(pem).toString('base64');

interface Identity {
  keys: webcrypto.CryptoKeyPair;
  certificate: x509.X509Certificate;
  pem: string;
  keyPem: string;
}

/** Makes a key and a certificate for it; without an issuer it signs itself. */
async function identity(
  name: x509.JsonName,
  options: { issuer?: Identity; ca?: boolean; until?: number; uses?: string[] } = {},
): Promise<Identity> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { issuer, ca = false, until = Date.now() + 10 * day, uses = [] } = options;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: issuer?.certificate.subjectName ?? name,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 30 * day),
    notAfter: new Date(until),
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      ...(uses.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(uses)]),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
  return { keys, certificate, pem: certificate.toString('pem'), keyPem };
}

const serial = (id: string): x509.JsonName => [{ CN: ['device'] }, { '2.5.4.5': [id] }];

describe('certificates of devices', { timeout: 60_000 }, () => {
  let world: World;
  let authority: Identity;
  let foreign: Identity;
  let owner: { token: string; prn: string };
  before(async () => {
    authority = await identity([{ CN: ['Factory'] }], { ca: true });
    foreign = await identity([{ CN: ['Factory'] }], { ca: true });
    world = await World.start({
      'tls-port': '0',
      'device-ca': base64(authority.pem),
      'device-ca-key': base64(authority.keyPem),
      'proxy-tls-token': 'of the proxy',
    });
    owner = await world.person('owner');
  });
  after(() => world.stop());

  /** Logs in over TLS with a certificate, or none. */
  const overTls = async (pem?: string, keyPem?: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Record<string, string> }>();
    const credentials = pem === undefined || keyPem === undefined ? {} : { cert: pem, key: keyPem };
    const url = `${world.running.tlsUrl}/auth/x509/login`;
    requestHttps(url, { method: 'POST', rejectUnauthorized: false, agent: false, ...credentials }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, body: JSON.parse(body) as Record<string, string> }),
        reject,
      );
    })
      .on('error', reject)
      .end();
    return promise;
  };
  const overProxy = (pem: string, token: string) =>
    world.ask('POST', '/auth/x509/login', {
      headers: { 'pantahub-tls-client-cert': encodeURIComponent(pem), 'pantahub-tls-proxy-token': token },
    });

  const joinToken = async () => {
    const made = await world.must('POST', '/devices/tokens', {
      token: owner.token,
      body: { 'default-user-meta': { fleet: 'blue' } },
    });
    const digest = createHash('sha256')
      .update(Buffer.from(String(made.token), 'base64'))
      .digest();
    return {
      id: String(made.id),
      sign: (name: string) => createHmac('sha256', digest).update(Buffer.from(name).toString('hex')).digest('base64'),
    };
  };
  const request = async (values: string[], keys?: webcrypto.CryptoKeyPair) => {
    const own = keys ?? (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']));
    const made = await x509.Pkcs10CertificateRequestGenerator.create({
      name: 'CN=whatever it says',
      keys: own,
      signingAlgorithm: algorithm,
      extensions: values.map((value, index) => new x509.Extension(`${arc}.${index + 1}`, false, Buffer.from(value))),
    });
    return Buffer.from(made.rawData);
  };
  const enrol = (csr: Buffer, id: string, name = 'idevid 1') =>
    world.ask('POST', '/devices/register', { body: { csr: csr.toString('base64'), name, 'device-name': id } });

  test('a device enrols with a join token and logs in with what it got', async () => {
    const id = world.hub.ids.next(Date.now());
    const token = await joinToken();
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const csr = await request([owner.prn, token.sign('idevid 1'), token.id], keys);
    const reply = await enrol(csr, id);
    assert.equal(reply.status, 200, reply.text);
    const { crt, device } = reply.json as unknown as { crt: string; device: Record<string, unknown> };
    assert.deepEqual([device.id, device.owner, device.secret], [id, owner.prn, undefined]);
    assert.deepEqual(device['user-meta'], { fleet: 'blue' });
    const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    const { status, body } = await overTls(crt, `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`);
    assert.equal(status, 200, JSON.stringify(body));
    assert.ok((body.token ?? '').length <= 1016, 'fits into the buffer of a device');
    const seen = await world.get(`/devices/${id}`, body.token ?? '');
    assert.equal(seen.prn, `prn:::devices:/${id}`);
    const claims = await world.get('/auth/auth_status', body.token ?? '');
    assert.deepEqual([claims.type, claims.owner, claims.orig_iat], ['DEVICE', owner.prn, undefined]);
    assert.equal((await world.ask('GET', '/auth/login', { token: body.token })).status, 401, 'is not refreshed');
    assert.equal((await enrol(csr, id)).status, 400, 'an id is given once');

    // Logging out ends such tokens too, and new ones are good.
    world.time.ahead += 2_000;
    await world.must('POST', '/auth/logout', { token: body.token });
    assert.equal((await world.ask('GET', `/devices/${id}`, { token: body.token })).status, 401);
    world.time.ahead += 2_000;
    assert.equal((await overProxy(crt, 'of the proxy')).status, 200);
    await world.must('DELETE', `/devices/${id}`, { token: owner.token });
    assert.equal((await overProxy(crt, 'of the proxy')).status, 403, 'a deleted device does not come back');
  });

  test('who holds no join token gets no certificate', async () => {
    const id = world.hub.ids.next(Date.now());
    const token = await joinToken();
    const good = [owner.prn, token.sign('idevid 1'), token.id];
    const broken = await request(good);
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
    const cases: Record<string, Buffer> = {
      'no request at all': Buffer.from('x'),
      'a request changed after it was signed': broken,
      'no extensions': await request([]),
      'somebody else as owner': await request(['prn:::accounts:/000000000000000000000000', ...good.slice(1)]),
      'a signature over another name': await request([owner.prn, token.sign('idevid 2'), token.id]),
      'an unknown token': await request([...good.slice(0, 2), '000000000000000000000000']),
    };
    for (const [why, csr] of Object.entries(cases)) assert.equal((await enrol(csr, id)).status, 400, why);
    assert.equal((await enrol(await request(good), 'no id')).status, 400);
    await world.must('DELETE', `/devices/tokens/${token.id}`, { token: owner.token });
    assert.equal((await enrol(await request(good), id)).status, 400, 'the token was disabled');
    assert.equal((await world.ask('GET', `/devices/${id}`, { token: owner.token })).status, 404, 'nothing was stored');
  });

  test('only a valid certificate of a trusted authority for a known device opens the door', async () => {
    const device = await world.device(owner);
    const below = await identity([{ CN: ['Below'] }], { issuer: authority, ca: true });
    const good = await identity(serial(device.id), { issuer: authority });
    assert.equal((await overTls(good.pem, good.keyPem)).status, 200);
    assert.equal((await overTls()).status, 403, 'no certificate');
    const cases: Record<string, Identity> = {
      'another authority of the same name': await identity(serial(device.id), { issuer: foreign }),
      'signed by itself': await identity(serial(device.id)),
      'an authority below ours that is not in the store': await identity(serial(device.id), { issuer: below }),
      expired: await identity(serial(device.id), { issuer: authority, until: Date.now() - day }),
      'an unknown device': await identity(serial(world.hub.ids.next(Date.now())), { issuer: authority }),
      'no serial number': await identity([{ CN: [device.id] }], { issuer: authority }),
      'an authority itself': await identity(serial(device.id), { issuer: authority, ca: true }),
      'a server': await identity(serial(device.id), { issuer: authority, uses: ['1.3.6.1.5.5.7.3.1'] }),
    };
    for (const [why, { pem, keyPem }] of Object.entries(cases))
      assert.equal((await overTls(pem, keyPem)).status, 403, why);
    world.time.ahead += 20 * day;
    assert.equal((await overTls(good.pem, good.keyPem)).status, 403, 'its time is over');
    world.time.ahead -= 20 * day;
  });

  test('a proxy hands certificates in with its token, nobody else does', async () => {
    const device = await world.device(owner);
    const { pem } = await identity(serial(device.id), { issuer: authority });
    const reply = await overProxy(pem, 'of the proxy');
    assert.equal(reply.status, 200, reply.text);
    assert.equal((await world.get(`/devices/${device.id}`, String(reply.json.token))).id, device.id);
    assert.equal((await overProxy(pem, 'guessed')).status, 500);
    assert.equal((await overProxy('%%% nonsense', 'of the proxy')).status, 403);
    world.hub.config['proxy-tls-token'] = '';
    assert.equal((await overProxy(pem, '')).status, 403, 'not set up');
    world.hub.config['proxy-tls-token'] = 'of the proxy';
  });

  test('wrong settings are told before anything listens', () => {
    const open = (flags: Record<string, string>) => openDeviceAuthority(readConfig({ flags }));
    assert.throws(() => open({ 'device-ca': base64('nonsense') }), /cannot use device-ca: /);
    const pair = { 'device-ca': base64(authority.pem), 'device-ca-key': base64(foreign.keyPem) };
    assert.throws(() => open(pair), /cannot use device-ca-key: it belongs to none/);
    assert.throws(() => open({ 'device-ca-key': 'x' }), /device-ca-key: makes sense only with device-ca/);
  });
});

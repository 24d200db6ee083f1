import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from './address.ts';
import { formatQuery, parseReply } from './resolver.ts';
import { parseUrl } from './url.ts';

test('addresses: exactly those that Node knows', () => {
  const awkward = fc.string({ unit: fc.constantFrom('0', '1', 'f', '255', '256', ':', '::', '.', 'g'), maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), awkward), (text) => {
      const known = isIP(text);
      const address = parseAddress(text);
      assert.equal(address === undefined ? 0 : address.family === 'ipv4' ? 4 : 6, known, text);
      assert.equal(address?.bytes.length ?? 0, known === 4 ? 4 : known === 6 ? 16 : 0);
      if (address) assert.deepEqual(parseAddress(formatAddress(address)), address, text);
    }),
  );
});

test('an address of the web and its parts', () => {
  assert.deepEqual(parseUrl('https://hub.example:8443/a?b#c'), {
    secure: true,
    host: 'hub.example',
    port: 8443,
    authority: 'hub.example:8443',
    target: '/a?b',
  });
  assert.deepEqual(parseUrl('http://[::1]?q'), {
    secure: false,
    host: '::1',
    port: 80,
    authority: '[::1]',
    target: '/?q',
  });
  for (const bad of ['', 'ftp://a', 'http://', 'http://a:0', 'http://a:65536', 'http://u:p@a/', 'http://a/b c'])
    assert.throws(() => parseUrl(bad), { code: 'EINVAL' }, bad);
});

test('replies of name servers: an address after an alias is found, and damaged bytes never harm', () => {
  const query = formatQuery(0x1234, 'a.example', 1);
  const alias = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 14];
  const address = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 7];
  const reply = Uint8Array.from([...query, ...alias, ...address]);
  reply[2] = 0x81;
  reply[3] = 0x80;
  reply[7] = 2;
  const found = parseReply(reply, 0x1234, 1);
  assert.deepEqual(found, [{ family: 'ipv4', bytes: Uint8Array.from([10, 0, 0, 7]) }]);
  assert.equal(parseReply(reply, 0x4321, 1), undefined);
  reply[3] = 0x83;
  assert.equal(parseReply(reply, 0x1234, 1), 'unknown');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      bytes.set([0x12, 0x34, 0x80, 0].slice(0, bytes.length));
      void parseReply(bytes, 0x1234, 1);
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { whyRefused } from './guard.ts';
import { readSettings } from './settings.ts';

test('without settings only the device itself is listened to', () => {
  assert.deepEqual(readSettings(undefined, 'quiet root=/dev/sda'), { listen: '127.0.0.1', port: 12368, hosts: [] });
  assert.equal(readSettings('{}', '').listen, '127.0.0.1');
});

test('the overlay opens it, or the kernel argument in both spellings', () => {
  const opened = readSettings('{"httpd":{"listen":"0.0.0.0","port":"12369"}}', '');
  assert.deepEqual([opened.listen, opened.port], ['0.0.0.0', 12369]);
  for (const name of ['pvrskd', 'pvrsdk'])
    assert.equal(readSettings(undefined, `quiet ${name}_httpd_listen=0.0.0.0 x`).listen, '0.0.0.0');
  assert.equal(readSettings('{"httpd":{"listen":"localhost"}}', 'pvrsdk_httpd_listen=0.0.0.0').listen, '127.0.0.1');
});

test('a mistake opens nothing', () => {
  for (const config of [
    '{',
    '[',
    '{"httpd":1}',
    '{"httpd":{"listen":"all"}}',
    '{"httpd":{"port":"x"}}',
    '{"httpd":{"listen":"1.2.3.256"}}',
  ])
    assert.throws(() => readSettings(config, ''), Error, config);
});

test('whatever a page of another site sends, it is refused', () => {
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD');
  const place = fc.tuple(
    fc.constantFrom('http', 'https'),
    fc.constantFrom('evil.example', '10.0.0.1', 'a.b.c', 'x'),
    fc.constantFrom('', ':8080'),
  );
  const origin = fc.oneof(
    place.map(([scheme, name, port]) => `${scheme}://${name}${port}`),
    fc.constant('null'),
  );
  fc.assert(
    fc.property(method, fc.constantFrom('/cgi-bin/pvr/post', '/cgi-bin/pvtx/begin'), origin, (asked, path, from) => {
      const host = '192.168.1.2:12368';
      fc.pre(from !== `http://${host}`);
      assert.ok(whyRefused({ method: asked, path, headers: { host, origin: from } }, []));
      assert.ok(
        whyRefused(
          { method: asked, path, headers: { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } },
          [],
        ),
      );
      // The name under which the page itself was loaded does not help, once it points here.
      const name = from === 'null' ? 'evil.example' : new URL(from).host;
      fc.pre(name.includes('.') && !/^[\d.:]+$/.test(name) && !/\.(local|localhost)(:|$)/.test(name));
      assert.ok(whyRefused({ method: asked, path, headers: { host: name, origin: `http://${name}` } }, []));
    }),
  );
});

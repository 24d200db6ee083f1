import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lxcConfig, volumeName } from './lxc-config.ts';
import { defaultNetwork } from './recipe.ts';

test('a container on the bridge gets its own interface with the address of the recipe', () => {
  const text = lxcConfig(
    { name: 'web', rootfs: {}, network: { hostNumber: 10 } },
    { bridge: 'pvbr4', prefix: '10.0.4' },
  );
  assert.match(text, /^lxc\.net\.0\.type = veth\nlxc\.net\.0\.link = pvbr4$/m);
  assert.match(text, /^lxc\.net\.0\.ipv4\.address = 10\.0\.4\.10\/24\nlxc\.net\.0\.ipv4\.gateway = 10\.0\.4\.1$/m);
  assert.match(text, /^lxc\.namespace\.keep = user {2}ipc$/m);
});

test('a container of the host network shares it, one without network has none', () => {
  assert.match(lxcConfig({ name: 'a', rootfs: {}, network: 'host' }, defaultNetwork), /keep = user {2}net {2}ipc$/m);
  assert.doesNotMatch(lxcConfig({ name: 'a', rootfs: {}, network: 'host' }, defaultNetwork), /lxc\.net/);
  assert.match(lxcConfig({ name: 'a', rootfs: {} }, defaultNetwork), /^lxc\.net\.0\.type = empty$/m);
});

test('volumes, arguments and environment are written as the original template does', () => {
  const text = lxcConfig(
    {
      name: 'a',
      rootfs: {},
      init: ['/sbin/x', 'one', 'two words'],
      volumes: { '/var/lib/web/': 'permanent' },
      environment: { A: 'b c' },
    },
    defaultNetwork,
  );
  assert.match(text, /^lxc\.init\.cmd = \/sbin\/x "one" "two words"$/m);
  assert.match(text, /^lxc\.environment = A=b c$/m);
  assert.match(
    text,
    /^lxc\.mount\.entry = \/volumes\/a\/docker--var-lib-web var\/lib\/web none bind,rw,create=dir 0 0$/m,
  );
  assert.match(text, /^lxc\.rootfs\.path = overlayfs:\/volumes\/a\/root\.squashfs:\/volumes\/a\/lxc-overlay\/upper$/m);
  assert.equal(volumeName('/vol/a'), 'docker--vol-a');
});

test('an argument that the format cannot hold is refused', () => {
  assert.throws(
    () => lxcConfig({ name: 'a', rootfs: {}, init: ['/x', 'say "hi"'] }, defaultNetwork),
    /cannot write init argument/,
  );
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { assertFree, joinForwards, parseForward } from './forwards.ts';

test('ports of a recipe and of a person are joined; the person’s count for the same port of the machine', () => {
  const recipe = { '8080': 80, '12368': 12368 };
  assert.deepEqual(joinForwards(recipe, []), [
    { host: 8080, guest: 80 },
    { host: 12368, guest: 12368 },
  ]);
  assert.deepEqual(joinForwards(recipe, [parseForward('0:80'), parseForward('8222:22')]), [
    { host: 12368, guest: 12368 },
    { host: 0, guest: 80 },
    { host: 8222, guest: 22 },
  ]);
  for (const text of ['8080', '1:2:3', '-1:80', '80:0', '80:65536', 'a:b'])
    assert.throws(() => parseForward(text), { code: 'usage', message: `cannot forward ${text}` });
});

test('a port that is taken is named, with what to do instead', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  await assertFree([{ host: 0, guest: 80 }]);
  await assert.rejects(assertFree([{ host: port, guest: 80 }]), {
    code: 'port-taken',
    message: `cannot forward port ${port} of this machine: it is in use`,
    hint: `take another one: --port ${port + 1}:80; 0 takes a free one`,
  });
});

/** Images that a hub offers: as they are, or with a join token in them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { World } from './support/world.ts';

/** Larger than what is read at once, with a place that begins in one piece and ends in the next. */
const pieceSize = 1024 * 1024;
const place = `PH_FACTORY_AUTOTOK=${'@'.repeat(64)}\n`;
const disk = Buffer.alloc(3 * pieceSize, 'x');
disk.write(place, pieceSize - 30);
disk.write(place, 2 * pieceSize + 5);

describe('images', { timeout: 60_000 }, () => {
  let world: World;
  let owner: { token: string };
  const folder = mkdtempSync(join(tmpdir(), 'images-'));
  before(async () => {
    writeFileSync(join(folder, 'board.img'), disk);
    writeFileSync(join(folder, 'other.img.xz'), 'compressed');
    writeFileSync(join(folder, '.hidden.img'), 'hidden');
    symlinkSync('/etc/hostname', join(folder, 'not a name'));
    world = await World.start({ images: folder });
    owner = await world.person('owner');
  });
  after(async () => {
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const prepare = (name: string, body?: object) => world.ask('POST', `/images/${name}`, { token: owner.token, body });
  const download = async (address: string, encoding = 'identity') => {
    const response = await fetch(world.url + address, { headers: { 'accept-encoding': encoding } });
    return { response, bytes: Buffer.from(await response.arrayBuffer()) };
  };

  test('are listed with whether a token has a place in them', async () => {
    const list = (await world.get('/images/', owner.token)) as unknown as object[];
    assert.deepEqual(
      list.map((one) => ({ ...one, 'time-modified': '' })),
      [
        { name: 'board.img', size: disk.length, 'time-modified': '', pairs: true },
        { name: 'other.img.xz', size: 10, 'time-modified': '', pairs: false },
      ],
    );
  });

  test('come with a token that makes a device belong to whoever downloaded it', async () => {
    const prepared = await prepare('board.img', { pair: true, 'default-user-meta': { 'tag.site': 'berlin' } });
    assert.equal(prepared.status, 200, prepared.text);
    const { bytes, response } = await download(String(prepared.json.address), 'gzip');
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    assert.equal(response.headers.get('content-disposition'), 'attachment; filename=board.img');
    const [first = '', ...more] = [...bytes.toString('latin1').matchAll(/PH_FACTORY_AUTOTOK=(\S{32})\n{33}x/g)].map(
      ([, token]) => token,
    );
    assert.deepEqual(more, [first], 'the same in both places');
    const without = Buffer.from(
      bytes.toString('latin1').replaceAll(`${first}${'\n'.repeat(32)}`, '@'.repeat(64)),
      'latin1',
    );
    assert.ok(without.equals(disk), 'nothing else is changed');
    const made = await world.ask('POST', '/devices/', {
      headers: { 'pantahub-devices-auto-token-v1': first },
      body: {},
    });
    assert.equal(made.status, 200, made.text);
    const device = await world.get(`/devices/${made.json.id}`, owner.token);
    assert.deepEqual(device['user-meta'], { 'tag.site': 'berlin' });
    const tokens = (await world.get('/devices/tokens', owner.token)) as unknown as { nick: string }[];
    assert.deepEqual(
      tokens.map(({ nick }) => nick),
      [prepared.json['join-token']],
    );
  });

  test('come without one when nobody asks for it, and as they are when they are compressed', async () => {
    const plain = await download(String((await prepare('board.img')).json.address));
    assert.equal(plain.response.headers.get('content-length'), String(disk.length));
    assert.equal(plain.bytes.indexOf('@@'), -1, 'a device would present the signs as a token');
    const other = await download(String((await prepare('other.img.xz')).json.address), 'gzip');
    assert.equal(other.bytes.toString(), 'compressed');
    const refused = await prepare('other.img.xz', { pair: true });
    assert.deepEqual([refused.status, /has no place for one/.test(refused.text)], [400, true], refused.text);
  });

  test('are for those who asked, for some minutes, and never anything else of the machine', async () => {
    const address = String((await prepare('board.img')).json.address);
    const ticket = address.split('=')[1] ?? '';
    for (const wrong of [
      '/images/board.img',
      `/images/other.img.xz?ticket=${ticket}`,
      `/images/board.img?ticket=${ticket.slice(0, -2)}`,
    ])
      assert.equal((await download(wrong)).response.status, 404, wrong);
    for (const name of ['.hidden.img', '..%2F..%2Fetc%2Fhostname', 'not%20a%20name', 'absent.img'])
      assert.equal((await prepare(name)).status, 404, name);
    world.time.ahead = 16 * 60_000;
    assert.equal((await download(address)).response.status, 404);
    world.time.ahead = 0;
  });
});

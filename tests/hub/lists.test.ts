import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryBackend, sharedWorld, type World } from './support/world.ts';

type Row = Record<string, unknown>;

onEveryBackend('long lists', (ground) => {
  const shared = sharedWorld(ground, { 'default-plan': 'UNLIMITED' });

  const page = async (world: World, token: string, path: string) => {
    const reply = await world.ask('GET', path, { token });
    assert.equal(reply.status, 200, `${path}: ${reply.text}`);
    return { total: reply.headers.get('x-total-count'), rows: reply.json as unknown as Row[] };
  };

  test('summaries are sorted, filtered and paged by every member', async () => {
    const { world } = shared;
    const owner = await world.person('fleet');
    await world.installed(await world.person('somebody'));
    const devices = [];
    for (const [index, group] of ['red', 'blue', 'red'].entries()) {
      const device = await world.installed(owner);
      await world.must('PATCH', `/devices/${device.id}`, { token: owner.token, body: { nick: `n${2 - index}` } });
      const meta = { [index === 0 ? 'fleet.group' : 'fleet-group']: group };
      await world.must('PUT', `/devices/${device.id}/user-meta`, { token: owner.token, body: meta });
      await world.must('PUT', `/trails/${device.id}/steps/0/progress`, {
        token: device.token,
        body: { status: 'DONE', 'status-msg': `message ${index}`, progress: index * 10 },
      });
      devices.push(device);
      world.time.ahead += 10_000;
    }
    await world.must('POST', `/trails/${devices[0]?.id}/steps`, {
      token: owner.token,
      body: { rev: -1, state: devices[0]?.state },
    });
    // When devices were heard is sorted by what is written, and shown as it is known.
    await world.hub.presence.flush();
    const list = (query: string) => page(world, owner.token, `/trails/summary?${query}`);
    const nicks = async (query: string) => (await list(query)).rows.map((row) => row['device-nick']);

    const { rows, total } = await list('');
    assert.equal(total, '3');
    const order = (values: unknown[]) => JSON.stringify(values);
    for (const member of Object.keys(rows[0] ?? {})) {
      const values = (await list(`sort=${member}`)).rows.map((row) => row[member]);
      const sorted = values.toSorted(
        (a, b) => Number((a as number) > (b as number)) - Number((a as number) < (b as number)),
      );
      assert.equal(order(values), order(sorted), member);
      const back = (await list(`sort=-${member}`)).rows.map((row) => row[member]);
      assert.equal(order(back), order(sorted.toReversed()), `-${member}`);
      for (const row of rows) {
        const filter = encodeURIComponent(JSON.stringify({ [member]: row[member] }));
        const wanted = rows.filter((other) => other[member] === row[member]).length;
        assert.equal((await list(`filter=${filter}`)).total, String(wanted), `filter by ${member}`);
      }
      const filter = encodeURIComponent(JSON.stringify({ [member]: { not: 'a value' } }));
      assert.equal((await list(`filter=${filter}`)).total, '0');
    }
    assert.deepEqual(await nicks('sort=device-nick'), ['n0', 'n1', 'n2']);
    assert.deepEqual(await nicks('sort=-progress'), ['n0', 'n1', 'n2']);
    assert.deepEqual(await nicks('sort=device-nick&page[size]=2'), ['n0', 'n1']);
    assert.deepEqual(await nicks('sort=device-nick&page[size]=2&page[offset]=2'), ['n2']);
    assert.equal((await list('page[size]=1')).total, '3', 'the total is of all pages');
    assert.deepEqual(await nicks(`sort=device-nick&filter=${encodeURIComponent('{"fleet-group":"red"}')}`), [
      'n0',
      'n2',
    ]);
    assert.deepEqual(await nicks('filter={"constructor":1}'), []);
    assert.equal((await nicks('sort=constructor')).length, 3, 'an unknown member sorts nothing');
  });

  test('without a size a list ends after a thousand, and the rest is on the next pages', async () => {
    const { world } = shared;
    const owner = await world.person('many');
    const first = await world.device(owner);
    const { hub } = world;
    const made = await hub.db.selectFrom('devices').selectAll().where('id', '=', first.id).executeTakeFirstOrThrow();
    const rows = Array.from({ length: 1_004 }, (_, index) => {
      const id = hub.ids.next(Date.now());
      return { ...made, id, prn: `prn:::devices:/${id}`, nick: `many-${String(index).padStart(4, '0')}` };
    });
    await hub.writer.write(async (tx) => {
      for (let index = 0; index < rows.length; index += 200)
        await tx
          .insertInto('devices')
          .values(rows.slice(index, index + 200))
          .execute();
    });
    const list = (query: string) => page(world, owner.token, `/devices/?${query}`);
    const start = await list('');
    assert.deepEqual([start.total, start.rows.length], ['1005', 1_000]);
    const rest = await list('page[offset]=1000');
    assert.equal(new Set([...start.rows, ...rest.rows].map(({ id }) => id)).size, 1_005);
    const sorted = await list('sort=-nick&nick=^many-&page[size]=2');
    assert.deepEqual([sorted.total, ...sorted.rows.map(({ nick }) => nick)], ['1004', 'many-1003', 'many-1002']);
    assert.equal((await world.ask('GET', '/devices/?page[size]=-1', { token: owner.token })).status, 400);
  });

  test('trails, steps and objects come a thousand at a time, too, as plain arrays', async () => {
    const { world } = shared;
    const owner = await world.person('long');
    const device = await world.installed(owner);
    const { db, writer } = world.hub;
    const copies = async <Row extends object>(
      table: 'trails' | 'steps' | 'objects',
      row: Row,
      change: (index: number) => Partial<Row>,
    ) => {
      const rows = Array.from({ length: 1_004 }, (_, index) => ({ ...row, ...change(index + 1) }));
      await writer.write(async (tx) => {
        for (let index = 0; index < rows.length; index += 200)
          await tx
            .insertInto(table)
            .values(rows.slice(index, index + 200) as never)
            .execute();
      });
    };
    const padded = (index: number) => String(index).padStart(8, '0');
    const trail = await db.selectFrom('trails').selectAll().where('id', '=', device.id).executeTakeFirstOrThrow();
    await copies('trails', trail, (index) => ({ id: `${device.id.slice(0, 16)}${padded(index)}` }));
    const step = await db.selectFrom('steps').selectAll().where('trail_id', '=', device.id).executeTakeFirstOrThrow();
    await copies('steps', step, (rev) => ({ id: `${device.id}-${rev}`, rev }));
    const object = await db.selectFrom('objects').selectAll().where('owner', '=', owner.prn).executeTakeFirstOrThrow();
    await copies('objects', object, (index) => ({
      storage_id: `${object.storage_id}${padded(index)}`,
      sha: padded(index),
    }));
    for (const [path, key] of [
      ['/trails/?', 'id'],
      [`/trails/${device.id}/steps?progress.status=DONE&`, 'rev'],
      ['/objects/?', 'storage-id'],
    ] as const) {
      const start = await page(world, owner.token, path);
      assert.deepEqual([start.total, start.rows.length], ['1005', 1_000], path);
      const rest = await page(world, owner.token, `${path}page[offset]=1000`);
      assert.equal(new Set([...start.rows, ...rest.rows].map((row) => row[key])).size, 1_005, path);
      const some = await page(world, owner.token, `${path}page[size]=2&page[offset]=1`);
      assert.deepEqual(some.rows, start.rows.slice(1, 3), path);
      const greedy = await page(world, owner.token, `${path}page[size]=99999999`);
      assert.equal(greedy.rows.length, path.startsWith('/trails') ? 1_000 : 1_005, path);
      assert.equal((await world.ask('GET', `${path}page[size]=x`, { token: owner.token })).status, 400);
    }
    const polled = await world.ask('GET', `/trails/${device.id}/steps?progress.status=DONE`, { token: device.token });
    assert.equal(polled.json.length, 1, 'a device gets one');
  });
});

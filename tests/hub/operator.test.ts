import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogue } from '@pantavisor/hub-api';
import { addAccount, listAccounts, setDisabled, setPassword, setRole } from '../../apps/hub/src/commands/accounts.ts';
import { backUp, restore } from '../../apps/hub/src/commands/backup.ts';
import { migrate, migrations } from '../../apps/hub/src/db/migrate.ts';
import { openDatabase } from '../../apps/hub/src/db/open.ts';
import { checkBlobs } from '../../apps/hub/src/operator/check.ts';
import { collectGarbage } from '../../apps/hub/src/operator/garbage.ts';
import { onEveryBackend, shaOf, sharedWorld, World } from './support/world.ts';

const day = 24 * 3600 * 1000;
const operator = { authorization: `Basic ${Buffer.from('saadmin:secret').toString('base64')}` };

onEveryBackend('running a hub', (ground) => {
  const shared = sharedWorld(ground, { 'operator-secret': 'secret', 'tls-port': '0', 'clone-port': '0' });

  test('a backup restores into another kind of hub, with every row and blob', async () => {
    const { world } = shared;
    const owner = await world.person('saver');
    const device = await world.installed(owner, 'saved content');
    await world.must('POST', '/logs/', { token: device.token, body: { msg: 'saved', src: 's' } });
    const file = join(world.folder, 'backup.tar');
    const saved = await backUp(world.hub, file);
    assert.ok(saved.blobs >= 1);
    for (const settings of [{}, await ground.fresh()]) {
      const empty = await World.start(settings);
      assert.deepEqual(await restore(empty.hub, file), saved);
      await empty.running.stop();
      const copy = await World.start(settings, empty.folder);
      try {
        // Keys came along: tokens of before are good, secrets too.
        const path = `/trails/${device.id}/steps/0/state`;
        assert.equal(
          (await copy.ask('GET', path, { token: owner.token })).text,
          (await world.ask('GET', path, { token: owner.token })).text,
        );
        const object = await copy.get(`/objects/${device.sha}`, owner.token);
        assert.equal((await copy.ask('GET', String(object['signed-geturl']))).text, 'saved content');
        await copy.login(device.prn, device.secret);
        const logs = (await copy.get('/logs/', owner.token)) as unknown as { entries: { msg: string }[] };
        assert.equal(logs.entries[0]?.msg, 'saved');
        await copy.must('POST', '/logs/', { token: device.token, body: { msg: 'after', src: 's' } });
        await assert.rejects(restore(copy.hub, file), /not empty/);
      } finally {
        await copy.stop();
      }
    }
  });

  test('garbage goes after its grace time, what is used or linked stays', async () => {
    const { world } = shared;
    const owner = await world.person('cleaner');
    const kept = await world.installed(owner, 'kept');
    const dropped = await world.installed(owner, 'dropped');
    const loose = await world.upload(owner.token, 'loose');
    const unclaimed = await world.must('POST', '/devices/');
    await world.must('DELETE', `/devices/${dropped.id}`, { token: owner.token });
    const early = await collectGarbage(world.hub);
    assert.deepEqual([early.devices, early.records, early.unclaimed], [0, 0, 0]);
    world.time.ahead += 6 * day;
    const late = await collectGarbage(world.hub);
    assert.ok(late.devices >= 1 && late.records >= 2 && late.unclaimed >= 1, JSON.stringify(late));
    const token = await world.login('cleaner', 'password');
    assert.equal((await world.ask('GET', `/objects/${kept.sha}`, { token })).status, 200);
    for (const sha of [shaOf('dropped'), loose])
      assert.equal((await world.ask('GET', `/objects/${sha}`, { token })).status, 403);
    assert.equal((await world.ask('GET', `/devices/${unclaimed.id}`, { token })).status, 404);
    const keys: string[] = [];
    for await (const { key } of world.hub.blobs.list()) keys.push(key);
    const rows = await world.hub.db.selectFrom('objects').select('storage_id').where('stored', '=', 1).execute();
    assert.deepEqual(keys.toSorted(), rows.map(({ storage_id }) => storage_id).toSorted());
    world.time.ahead -= 6 * day;
  });

  test('the check of blobs finds and repairs what is missing', async () => {
    const { world } = shared;
    const owner = await world.person('checker');
    const sha = await world.upload(owner.token, 'to be lost');
    const row = await world.hub.db.selectFrom('objects').selectAll().where('sha', '=', sha).executeTakeFirstOrThrow();
    await world.hub.blobs.remove(row.storage_id);
    const findings: string[] = [];
    await checkBlobs(world.hub, true, ({ storageId, problem }) => findings.push(`${storageId} ${problem}`));
    assert.deepEqual(
      findings.filter((line) => line.includes(row.storage_id)),
      [`${row.storage_id} missing`],
    );
    assert.equal(await world.upload(owner.token, 'to be lost'), sha, 'the next client uploads it again');
    assert.equal((await checkBlobs(world.hub, false, () => undefined)).findings, 0);
  });

  test('every earlier version of the database can be brought to the newest', async () => {
    const settings = await ground.fresh();
    const names = Object.keys(migrations);
    for (const [index, name] of names.entries()) {
      const url = settings.database ?? `sqlite:${join(shared.world.folder, `old-${index}.db`)}`;
      const fresh = index === 0 ? url : ((await ground.fresh()).database ?? url);
      const { db, dialect, close } = openDatabase(fresh, 2);
      try {
        await migrate(db, dialect, name);
        await db.insertInto('settings').values({ name: 'kept', value: 'yes' }).execute();
        assert.deepEqual(await migrate(db, dialect), names.slice(index + 1));
        assert.deepEqual(await migrate(db, dialect), []);
        assert.equal((await db.selectFrom('settings').selectAll().executeTakeFirst())?.value, 'yes');
      } finally {
        await close();
      }
    }
  });

  test('health, metrics, and the API document', async () => {
    const { world } = shared;
    assert.deepEqual(Object.keys(await world.must('GET', '/healthz/', { headers: operator })), [
      'code',
      'duration',
      'start-time',
    ]);
    const metrics = await world.ask('GET', '/metrics/', { headers: operator });
    assert.match(metrics.text, /api_response_count\{[^}]*endpoint="\/devices\/"/);
    assert.doesNotMatch(metrics.text, /[0-9a-f]{24}/, 'no ids');
    const api = (await world.must('GET', '/swagger/openapi.json')) as unknown as {
      openapi: string;
      paths: Record<string, object>;
    };
    assert.equal(api.openapi, '3.1.0');
    assert.equal(Object.values(api.paths).flatMap((path) => Object.keys(path)).length, catalogue.length);
    assert.match((await world.ask('GET', '/swagger/')).text, /<h1>pantahub API/);
  });

  test('https gives https object addresses, with the port devices leave out', async () => {
    const { world } = shared;
    const owner = await world.person('secure');
    const sha = await world.upload(owner.token, 'over tls');
    const { tlsUrl = '' } = world.running;
    const ca = readFileSync(join(world.folder, 'tls', 'self-signed.crt'), 'utf8');
    const { port } = new URL(tlsUrl);
    const ask = (path: string) =>
      new Promise<string>((resolve, reject) => {
        const headers = { host: '127.0.0.1', authorization: `Bearer ${owner.token}` };
        requestHttps({ host: '127.0.0.1', port, path, ca, headers }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => {
            text += piece;
          });
          response.on('end', () => resolve(text));
        })
          .on('error', reject)
          .end();
      });
    const object = JSON.parse(await ask(`/objects/${sha}`)) as Record<string, string>;
    assert.match(object['signed-geturl'] ?? '', new RegExp(`^https://127\\.0\\.0\\.1:${port}/local-s3/[\\w.-]+$`));
    assert.equal(await ask(new URL(object['signed-geturl'] ?? '').pathname), 'over tls');
  });

  test('accounts are administered by commands', async () => {
    const { hub, login, ask } = bound(shared.world);
    await addAccount(hub, 'typed', { email: 'typed@example.org', password: 'password', admin: false });
    const token = await login('typed', 'password');
    await setPassword(hub, 'typed', 'password2');
    shared.world.time.ahead += 2000;
    assert.equal((await ask('GET', '/auth/', { token })).status, 401);
    await assert.rejects(setPassword(hub, 'typed', 'short'), /at least 8 characters/);
    await assert.rejects(setRole(hub, 'nobody', 'admin'), /cannot find account 'nobody'/);
    await setDisabled(hub, 'typed', true);
    assert.equal(
      (await ask('POST', '/auth/login', { body: { username: 'typed', password: 'password2' } })).status,
      401,
    );
    await setDisabled(hub, 'typed', false);
    await setRole(hub, 'typed', 'admin');
    assert.match((await listAccounts(hub)).text, /typed\s+typed@example\.org\s+admin\s+active/);
  });
});

const bound = (world: World) => ({ hub: world.hub, login: world.login.bind(world), ask: world.ask.bind(world) });

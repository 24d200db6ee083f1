import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type HubProcess, request, startProcess } from './support/process.ts';
import { onEveryBackend } from './support/world.ts';

/** Makes a user and a device with a trail on a hub process. */
async function settle({ url, invitation }: HubProcess) {
  await request(url, 'POST', '/auth/accounts', undefined, {
    email: 'a@example.org',
    nick: 'owner',
    password: 'password',
    invitation,
  });
  const login = async (username: string, password: string) =>
    (await request(url, 'POST', '/auth/login', undefined, { username, password })).json.token ?? '';
  const token = await login('owner', 'password');
  const device = (await request(url, 'POST', '/devices/')).json;
  await request(url, 'PUT', `/devices/${device.id}?challenge=${device.challenge}`, token);
  const deviceToken = await login(device.prn ?? '', device.secret ?? '');
  await request(url, 'POST', '/trails/', deviceToken, { '#spec': 'pantavisor-service-system@1' });
  return { token, id: device.id ?? '', deviceToken };
}

onEveryBackend('a hub that is killed', (ground) => {
  test('loses nothing that it acknowledged, and numbers stay without gaps', async () => {
    const data = mkdtempSync(join(tmpdir(), 'hub-crash-'));
    const settings = { data, ...(await ground.fresh()) };
    let hub = await startProcess(settings);
    try {
      const { token, id, deviceToken } = await settle(hub);
      const acknowledged = { revs: [] as number[], lines: [] as string[], meta: 0 };
      for (let round = 0; round < 2; round += 1) {
        const enough = Promise.withResolvers<void>();
        let running = true;
        const { url } = hub;
        const until = async (work: (count: number) => Promise<void>) => {
          for (let count = 0; running; count += 1) await work(count).catch(() => undefined);
        };
        const writers = [
          ...[1, 2, 3].map(() =>
            until(async () => {
              const { status, json } = await request(url, 'POST', `/trails/${id}/steps`, token, { rev: -1, state: {} });
              if (status === 200) acknowledged.revs.push(Number(json.rev));
              if (acknowledged.revs.length > (round + 1) * 25) enough.resolve();
            }),
          ),
          until(async (count) => {
            const line = `round ${round} line ${count}`;
            const { status } = await request(url, 'POST', '/logs/', deviceToken, [{ msg: line, src: 'crash' }]);
            if (status === 200) acknowledged.lines.push(line);
          }),
          until(async () => {
            const value = acknowledged.meta + 1;
            const { status } = await request(url, 'PUT', `/devices/${id}/device-meta`, deviceToken, { value });
            if (status === 200) acknowledged.meta = value;
          }),
        ];
        await enough.promise;
        assert.equal(await hub.end('SIGKILL'), 'SIGKILL');
        running = false;
        await Promise.all(writers);
        hub = await startProcess(settings);
        const steps = (await request(hub.url, 'GET', `/trails/${id}/steps?progress.status={"$ne":""}`, token))
          .json as unknown as { rev: number }[];
        const stored = steps.map(({ rev }) => rev);
        assert.deepEqual(
          stored,
          stored.map((_, index) => index),
          'no gap, no duplicate',
        );
        const lost = acknowledged.revs.filter((rev) => !stored.includes(rev));
        assert.deepEqual(lost, []);
        const { entries } = (await request(hub.url, 'GET', '/logs/?page=10000', token)).json as unknown as {
          entries?: { msg: string }[];
        };
        const lines = new Set(entries?.map(({ msg }) => msg));
        assert.deepEqual(
          acknowledged.lines.filter((line) => !lines.has(line)),
          [],
        );
        const shown = (await request(hub.url, 'GET', `/devices/${id}`, token)).json as unknown as {
          'device-meta': { value: number };
        };
        assert.ok(
          shown['device-meta'].value >= acknowledged.meta,
          `${shown['device-meta'].value} of ${acknowledged.meta}`,
        );
      }
      assert.equal(await hub.end('SIGTERM'), 0);
    } finally {
      await hub.end('SIGKILL');
      rmSync(data, { recursive: true, force: true });
    }
  });
});

describe('a hub that is stopped', { timeout: 60_000 }, () => {
  const data = mkdtempSync(join(tmpdir(), 'hub-stop-'));
  after(() => rmSync(data, { recursive: true, force: true }));

  test('finishes the requests in work and ends with 0', async () => {
    const hub = await startProcess({ data });
    try {
      const { token, id } = await settle(hub);
      const posts = Array.from({ length: 20 }, () =>
        request(hub.url, 'POST', `/trails/${id}/steps`, token, { rev: -1, state: {} }),
      );
      const first = await Promise.race(posts);
      assert.equal(first.status, 200);
      const ended = hub.end('SIGTERM');
      const statuses = (await Promise.all(posts)).map(({ status }) => status);
      assert.deepEqual(
        statuses.filter((status) => status !== 200 && status !== 503),
        [],
        'no request was cut',
      );
      assert.equal(await ended, 0);
      assert.doesNotMatch(hub.output(), new RegExp(token.slice(0, 40)), 'no token in the log');
    } finally {
      await hub.end('SIGKILL');
    }
  });
});

describe('a full disk', {
  timeout: 60_000,
  skip: process.getuid?.() === 0 ? false : 'needs root to mount a small disk',
}, () => {
  const data = mkdtempSync(join(tmpdir(), 'hub-full-'));
  after(() => {
    spawnSync('umount', [data]);
    rmSync(data, { recursive: true, force: true });
  });

  test('is told as 507, and the hub goes on when there is room', async () => {
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'hub-full', data]).status, 0);
    const hub = await startProcess({ data, 'default-plan': 'UNLIMITED' });
    try {
      const { token, id, deviceToken } = await settle(hub);
      const filler = join(data, 'filler');
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { stdio: 'ignore' });
      const line = { msg: 'x'.repeat(60_000), src: 's' };
      const full = await request(
        hub.url,
        'POST',
        '/logs/',
        deviceToken,
        Array.from({ length: 60 }, () => line),
      );
      assert.deepEqual([full.status, full.json.reason], [507, 'storage-full']);
      const read = await request(hub.url, 'GET', `/devices/${id}`, token);
      assert.equal(read.status, 200, 'reading still works');
      rmSync(filler);
      const again = await request(hub.url, 'POST', '/logs/', deviceToken, [line]);
      assert.equal(again.status, 200, JSON.stringify(again.json));
      assert.equal(await hub.end('SIGTERM'), 0);
    } finally {
      await hub.end('SIGKILL');
    }
  });
});

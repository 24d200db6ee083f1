import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { demoRevision } from '../demo.ts';
import { probeContainer } from '../probe/recipe.ts';
import { buildRevision } from './revision.ts';

const network = { bridge: 'br-test', prefix: '10.77.5' };

describe('building a revision', () => {
  let work: string;
  before(() => {
    work = mkdtempSync(join(tmpdir(), 'recipes-test-'));
  });
  after(() => rmSync(work, { recursive: true, force: true }));

  test('gives the same bytes twice, without the cache of the first time', async () => {
    const first = await buildRevision(demoRevision(network), join(work, 'o1'), join(work, 'c1'));
    const second = await buildRevision(demoRevision(network), join(work, 'o2'), join(work, 'c2'));
    assert.equal(second.state, first.state);
    assert.deepEqual(readdirSync(join(work, 'o2')).sort(), readdirSync(join(work, 'o1')).sort());
  });

  test('writes every object that the state names, under its own SHA-256, and nothing else', async () => {
    const objects = join(work, 'objects');
    const built = await buildRevision(demoRevision(network), objects, join(work, 'c1'));
    const named = Object.values(JSON.parse(built.state)).filter(
      (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
    );
    assert.deepEqual(readdirSync(objects).sort(), [...new Set(named)].sort());
    for (const [id, size] of built.objects) {
      const bytes = readFileSync(join(objects, id));
      assert.equal(createHash('sha256').update(bytes).digest('hex'), id);
      assert.equal(bytes.length, size);
      assert.equal(statSync(join(objects, id)).nlink, 1, 'an object of a device is never shared with the cache');
    }
  });

  test('containers with the same root file system share one image', async () => {
    const containers = ['a', 'b', 'c'].map((name) => probeContainer(name));
    const built = await buildRevision({ containers }, join(work, 'o3'), join(work, 'c1'));
    const images = Object.entries(JSON.parse(built.state)).filter(([key]) => key.endsWith('/root.squashfs'));
    assert.equal(images.length, 3);
    assert.equal(new Set(images.map(([, id]) => id)).size, 1);
  });

  test('an executable stays executable, owners and times of this machine do not show', async () => {
    const built = await buildRevision({ containers: [probeContainer('a')] }, join(work, 'o4'), join(work, 'c1'));
    const image = join(work, 'o4', JSON.parse(built.state)['a/root.squashfs']);
    const listing = execFileSync('unsquashfs', ['-lln', image], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    });
    assert.match(listing, /^-rwxr-xr-x 0\/0 .*1970-01-01 00:00 squashfs-root\/usr\/bin\/init$/m);
    assert.match(listing, /^drwxrwxrwt 0\/0 .* squashfs-root\/tmp$/m);
    assert.match(listing, /usr\/bin\/sh -> busybox$/m);
    assert.doesNotMatch(listing, /(20\d\d-\d\d-\d\d)/);
  });

  test('configuration files, extra members and removed members end up in the state', async () => {
    const container = probeContainer('a', ['init'], { config: { '/etc/motd': 'hello\n' }, role: 'mgmt' });
    const built = await buildRevision(
      { containers: [container], extra: { 'README.md': 'f'.repeat(64), 'device.json': undefined } },
      join(work, 'o5'),
      join(work, 'c1'),
    );
    const state = JSON.parse(built.state);
    assert.equal(readFileSync(join(work, 'o5', state['_config/a/etc/motd']), 'utf8'), 'hello\n');
    assert.equal(state['README.md'], 'f'.repeat(64));
    assert.ok(!('device.json' in state));
    assert.deepEqual(state['a/run.json'].roles, ['mgmt']);
    assert.deepEqual(Object.keys(state), Object.keys(state).sort());
  });

  test('a package that is not installed is named', async () => {
    const container = probeContainer('a', ['init'], { rootfs: { packages: ['no-such-package'] } });
    await assert.rejects(
      buildRevision({ containers: [container] }, join(work, 'o6'), join(work, 'c1')),
      /no-such-package/,
    );
  });
});

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import test from 'node:test';
import { startFakeHub } from './testing/fake-hub.ts';
import { makeWorkspace } from './testing/workspace.ts';

/** Members of a value, those of members too, sorted: what programs rely on. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, shape(member)]),
  );
}

test('with --json every command prints one value, and its members stay', async (context) => {
  const hub = await startFakeHub(context, { open: true });
  const space = makeWorkspace(context);
  const run = async (...argv: string[]): Promise<unknown> => {
    const out = await space.ok(['--json', ...argv]);
    assert.match(out, /^.+\n$/, `${argv.join(' ')} prints one line`);
    return shape(JSON.parse(out));
  };
  assert.deepEqual(await run('init'), { root: 'string' });
  assert.deepEqual(await run('init'), { existed: 'boolean', root: 'string' });
  space.write({ 'app/f': 'content', 'app/run.json': { n: 1 }, 'note.json': { big: 1 } });
  assert.deepEqual(await run('add', '.'), { added: ['string'], notes: [] });
  assert.deepEqual(await run('status'), { added: ['string'], changed: [], removed: [], untracked: [] });
  assert.deepEqual(await run('commit', '-m', 'x'), { changes: [{ change: 'string', key: 'string' }], nulls: [] });
  const state = {
    '#spec': 'string',
    'app/f': 'string',
    'app/run.json': { n: 'number' },
    'note.json': { big: 'number' },
  };
  assert.deepEqual(await run('json'), state);
  assert.deepEqual(await run('inspect'), state);
  assert.deepEqual(await run('diff'), {});
  assert.deepEqual(await run('checkout'), { written: ['string'] });
  assert.deepEqual(await run('export', 'out.tgz'), { file: 'string', objects: 'number' });
  assert.deepEqual(await run('import', 'out.tgz'), { added: 'number', file: 'string', known: 'number' });
  const received = { fetched: 'number', keys: 'number', known: 'number' };
  assert.deepEqual(await run('merge', 'out.tgz'), received);
  assert.deepEqual(await run('get', 'out.tgz'), received);
  assert.deepEqual(await run('clone', 'out.tgz', 'copy'), { directory: 'string', ...received });
  assert.deepEqual(await run('put', './kept'), { target: 'string' });
  assert.deepEqual(await run('push', './kept'), { target: 'string' });
  const posted = { device: 'string', revision: 'string', stateSha: 'string' };
  assert.deepEqual(await run('post', `${hub.url}/trail`), posted);
  assert.deepEqual(await run('fastcopy', `${hub.url}/trail`, `${hub.url}/trail`), posted);
  assert.deepEqual(await run('putobjects', `${hub.url}/objects`), {
    bytes: 'number',
    known: 'number',
    uploaded: 'number',
  });
  assert.deepEqual(await run('app', 'ls'), []);
  assert.deepEqual(await run('app', 'add', 'web', '--type', 'rootfs', '--from', 'app'), {
    app: 'string',
    done: 'string',
  });
  assert.deepEqual(await run('app', 'install', 'web'), { app: 'string', done: 'string' });
  assert.deepEqual(await run('app', 'update', 'web'), { app: 'string', changed: 'boolean', done: 'string' });
  assert.deepEqual(await run('app', 'rm', 'web'), { app: 'string', done: 'string' });
  assert.deepEqual(await run('sig', 'ls'), { notseen: ['string'] });
  assert.deepEqual(await run('global-config'), { AutoUpgrade: 'boolean', DistributionTag: 'string', Spec: 'string' });
  assert.deepEqual(await run('whoami'), []);
  assert.deepEqual(await run('logout', hub.url), { origin: 'string' });
  assert.deepEqual(await run('completion', 'zsh'), { script: 'string', shell: 'string' });
  assert.deepEqual(await run('version'), { version: 'string' });
});

test('with --json failures are one value, too', async (context) => {
  const space = makeWorkspace(context);
  writeFileSync(space.path('broken.tgz'), 'no archive at all');
  await space.ok(['init']);
  for (const [code, ...argv] of [
    ['usage', 'comit'],
    ['usage', 'add', '--rw'],
    ['archive-invalid', 'import', 'broken.tgz'],
    ['archive-invalid', 'import', 'missing.tgz'],
    ['reference-invalid', 'clone', 'nothing'],
    ['source-missing', 'app', 'add', 'x', '--type', 'rootfs', '--from', 'missing'],
    ['archive-invalid', 'app', 'add', 'x', '--type', 'rootfs', '--from', 'broken.tgz'],
    ['image-missing', 'app', 'add', 'x', '--from', 'docker-archive:missing.tar'],
    ['archive-invalid', 'app', 'add', 'x', '--from', 'docker-archive:broken.tgz'],
    ['app-missing', 'app', 'info', 'x'],
  ] as const) {
    const { out, err, code: exitCode } = await space.run(['--json', ...argv]);
    assert.equal(out, '', argv.join(' '));
    const { error } = JSON.parse(err) as { error: { code: string; message: string } };
    assert.equal(error.code, code, `${argv.join(' ')}: ${err}`);
    assert.match(error.message, /^(cannot|No help topic) /);
    assert.equal(exitCode, 3);
  }
});

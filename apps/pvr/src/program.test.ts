import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { CommandSpec } from '@pantavisor/cli';
import type { Pvr } from './context.ts';
import { exitCodes, program } from './program.ts';
import { makeWorkspace } from './testing/workspace.ts';

function* commandsOf(command: CommandSpec<Pvr>, path: string[] = []): Generator<[string[], CommandSpec<Pvr>]> {
  yield [path, command];
  for (const child of command.commands ?? []) yield* commandsOf(child, [...path, child.names[0]!]);
}

test('every command has help, and every example of it is a command line that is understood', async (context) => {
  const space = makeWorkspace(context);
  for (const [path, { summary, examples = [] }] of commandsOf(program)) {
    const text = await space.ok([...path, '--help']);
    assert.ok(text.toLowerCase().includes(summary.toLowerCase()), path.join(' '));
    for (const [line] of examples)
      for (const part of line.split(/&&/)) {
        const words: string[] = part.trim().match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
        const at = words.indexOf('pvr');
        if (at < 0) continue;
        const argv = words.slice(at + 1).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
        const { code, err } = await space.run([...argv, '--help']);
        assert.equal(code, 0, `${line}: ${err}`);
      }
  }
});

test('the aliases of the original lead to the same commands', async (context) => {
  const space = makeWorkspace(context);
  const aliases = {
    i: 'init',
    s: 'status',
    po: 'post',
    g: 'get',
    d: 'diff',
    ri: 'remote-info',
    a: 'add',
    c: 'clone',
    m: 'merge',
    p: 'put',
    r: 'reset',
    co: 'reset',
    checkout: 'reset',
    j: 'json',
    ci: 'commit',
    lo: 'login',
    com: 'completion',
    ap: 'app',
    dev: 'device',
    fcp: 'fastcopy',
    cl: 'claim',
    reg: 'register',
    wai: 'whoami',
    dma: 'dm-apply',
    dmc: 'dm-convert',
    remoteinfo: 'remote-info',
    stepinfo: 'step-info',
  };
  for (const [alias, name] of Object.entries(aliases))
    assert.match(await space.ok([alias, '--help']), new RegExp(`Usage: pvr ${name}\\b`), alias);
});

test('usage, version, unknown commands and failures as JSON', async (context) => {
  const space = makeWorkspace(context);
  assert.match(await space.ok([]), /Usage: pvr/);
  assert.match(await space.ok(['--version']), /^pvr version \d/);
  assert.equal((await space.run(['nothing'])).code, 3);
  assert.deepEqual(JSON.parse((await space.run(['--json', 'app', 'add'])).err).error.code, 'usage');
  assert.equal((await space.run(['app', 'add'])).code, 2);
  assert.equal((await space.run(['app', 'add', 'x'])).code, 4);
  assert.equal((await space.run(['app', 'add', 'x', '--from', 'y', '--group', 'a', '--runlevel', 'b'])).code, 5);
  assert.equal((await space.run(['deploy'])).code, 101);
  assert.equal(await space.ok(['__complete', 'stat']), 'status\tshow what differs from the committed state\n');
});

test('the documentation lists the exit codes that there are', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/pvr/README.md'), 'utf8');
  for (const { code } of exitCodes) assert.match(text, new RegExp(`^\\| (\\d+, )?${code}[ ,]`, 'm'), String(code));
});

test('an app from a root file system, and a check that says what a device would do', async (context) => {
  const space = makeWorkspace(context);
  await space.ok(['init']);
  space.write({ 'rootfs/etc/x': 'x' }, '../home');
  space.write({ 'groups.json': [{ name: 'root' }, { name: 'app' }] });
  await space.ok([
    'app',
    'add',
    'web',
    '--type',
    'rootfs',
    '--from',
    '~/rootfs',
    '--volume',
    '/data:permanent',
    '--arg',
    'PV_LXC_EXTRA_CONF=lxc.x = 1',
  ]);
  assert.equal(JSON.parse(readFileSync(space.path('web/run.json'), 'utf8')).group, 'app');
  assert.match(readFileSync(space.path('web/lxc.container.conf'), 'utf8'), /^lxc\.x = 1$/m);
  assert.equal((await space.run(['app', 'add', 'web', '--type', 'rootfs', '--from', '~/rootfs'])).code, 3);
  await space.ok(['app', 'update', 'web']);
  assert.deepEqual(JSON.parse(await space.ok(['app', 'info', 'web'])).persistence, { '/data': 'permanent' });
  await space.ok(['add', '.']);
  const report = JSON.parse(await space.ok(['check', '--json', '--init-mode', 'appengine']));
  assert.deepEqual(report.transition.start, ['web']);
  assert.deepEqual(report.unsignedParts.toSorted(), ['', 'web']);
  await space.ok(['commit']);
  space.write({
    'web/run.json': {
      name: 'web',
      type: 'lxc',
      config: 'lxc.container.conf',
      'root-volume': 'root.squashfs',
      group: 'nobody-has-it',
    },
  });
  const refused = await space.run(['check']);
  assert.equal(refused.code, 20);
  assert.match(refused.out, /nobody-has-it/);
});

test('dm-convert makes a hash tree, and dm-apply the same one again', async (context) => {
  const space = makeWorkspace(context, { PATH: `${process.env.PATH}:/usr/sbin:/sbin` });
  await space.ok(['init']);
  space.write({
    'web/root.squashfs': Buffer.alloc(65_536, 7),
    'web/run.json': { name: 'web', 'root-volume': 'root.squashfs' },
  });
  await space.ok(['add', '.']);
  await space.ok(['commit']);
  assert.match(await space.ok(['dm-convert', 'web', 'root.squashfs']), /- Updated web\/_dm\/root\.squashfs\.json/);
  const manifest = readFileSync(space.path('web/_dm/root.squashfs.json'), 'utf8');
  assert.match(JSON.parse(manifest).root_hash, /^[0-9a-f]{64}$/);
  assert.equal(JSON.parse(readFileSync(space.path('web/run.json'), 'utf8'))['root-volume'], 'dm:root.squashfs');
  const tree = readFileSync(space.path('web/root.squashfs.hash'));
  await space.ok(['commit']);
  await space.ok(['dm-apply', 'web/']);
  assert.equal(readFileSync(space.path('web/_dm/root.squashfs.json'), 'utf8'), manifest);
  assert.deepEqual(readFileSync(space.path('web/root.squashfs.hash')), tree);
});

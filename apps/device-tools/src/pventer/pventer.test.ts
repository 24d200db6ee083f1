import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mountOf } from './control-groups.ts';
import { parsePasswd } from './passwd.ts';
import { parseArguments } from './program.ts';

test('options stand before the command, whose own are left to it', () => {
  assert.deepEqual(parseArguments(['-c', 'app', 'ls', '-c']), { help: false, container: 'app', command: ['ls', '-c'] });
  assert.deepEqual(parseArguments(['--container', 'app', '--', '-h']), {
    help: false,
    container: 'app',
    command: ['-h'],
  });
  assert.equal(parseArguments(['--help']).help, true);
  assert.equal(parseArguments(['-c']).container, '');
});

test('users of a container', () => {
  const text = 'root:x:0:0:root:/root:/bin/ash\nrooter:x:7:8::/r:/bin/x\nbad:x:::\n';
  assert.deepEqual(parsePasswd(text, 'root'), { uid: 0, gid: 0, home: '/root', shell: '/bin/ash' });
  assert.deepEqual(parsePasswd(text, 'rooter'), { uid: 7, gid: 8, home: '/r', shell: '/bin/x' });
  for (const name of ['bad', 'nobody'])
    assert.deepEqual(parsePasswd(text, name), { uid: 0, gid: 0, home: '/tmp1', shell: '/bin/sh' });
  fc.assert(fc.property(fc.string(), fc.string(), (any, name) => parsePasswd(any, name).shell !== ''));
});

test('hierarchies of control groups are found by their kind and controllers', () => {
  const info = [
    '30 20 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate',
    '31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct',
    '32 20 0:28 / /sys/fs/cgroup/systemd rw - cgroup none rw,name=systemd',
  ].join('\n');
  assert.equal(mountOf(info, '0', ''), '/sys/fs/cgroup/unified');
  assert.equal(mountOf(info, '4', 'cpu,cpuacct'), '/sys/fs/cgroup/cpu,cpuacct');
  assert.equal(mountOf(info, '1', 'name=systemd'), '/sys/fs/cgroup/systemd');
  assert.equal(mountOf(info, '5', 'memory'), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBelowDevice, isInside, parseGroups, rootGroups } from './control-groups.ts';

const hybrid = (path: string) => parseGroups(`9:name=systemd:${path}\n8:pids:${path}\n0::${path}\n`);
const device = '/pantavisor-0a1b2c3d';

test('the text of the kernel is read hierarchy by hierarchy', () => {
  const groups = parseGroups('4:memory:/a:b\n1:cpu,cpuacct:/\n0::/x (deleted)\nnonsense\n');
  assert.deepEqual(
    [...groups],
    [
      ['memory', '/a:b'],
      ['cpu,cpuacct', '/'],
      ['', '/x'],
    ],
  );
});

test('a process of a container, also in a nested group, is inside; a namesake is not', () => {
  const web = rootGroups(hybrid(`${device}/lxc.payload.web`), 'web');
  assert.ok(isInside(hybrid(`${device}/lxc.payload.web`), web));
  assert.ok(isInside(hybrid(`${device}/lxc.payload.web/system.slice/x.service`), web));
  assert.ok(!isInside(hybrid(`${device}/lxc.payload.web2`), web));
  assert.ok(!isInside(hybrid('/'), web));
  assert.ok(!isInside(hybrid('/pantavisor-ffffffff/lxc.payload.web'), web));
});

test('an init that moved itself down does not narrow its container', () => {
  const roots = rootGroups(hybrid(`${device}/lxc.payload.web-1/init.scope`), 'web');
  assert.ok(isInside(hybrid(`${device}/lxc.payload.web-1/user.slice`), roots));
});

test('a group of another name form is taken as it is', () => {
  const roots = rootGroups(hybrid('/own/name'), 'web');
  assert.ok(isInside(hybrid('/own/name/x'), roots));
  assert.equal(rootGroups(hybrid('/'), 'web').size, 0);
});

test('a process of any container of the device is told from one of the host', () => {
  assert.ok(isBelowDevice(hybrid(`${device}/lxc.payload.x`), 'pantavisor-0a1b2c3d'));
  assert.ok(isBelowDevice(hybrid(`/docker/abc${device}/lxc.payload.x`), 'pantavisor-0a1b2c3d'));
  assert.ok(!isBelowDevice(hybrid('/pantavisor-0a1b2c3d-other/x'), 'pantavisor-0a1b2c3d'));
});

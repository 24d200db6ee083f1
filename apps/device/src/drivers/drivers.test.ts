import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseState } from '@pantavisor/state';
import { createMemoryHost } from '../host/memory/host.ts';
import { Drivers, moduleWords } from './drivers.ts';

const fromUserMeta = (key: string) => `$\{user-meta:${key}}`;
const document = JSON.stringify({
  '#spec': 'pantavisor-service-system@1',
  'bsp/drivers.json': {
    '#spec': 'driver-aliases@1',
    all: { wifi: ['cfg80211', `wlan country=${fromUserMeta('wifi.country')}`], bt: ['bluetooth'], bad: ['broken'] },
  },
  'app/run.json': {
    name: 'app',
    type: 'lxc',
    config: 'lxc.container.conf',
    'root-volume': 'root.squashfs',
    drivers: { required: ['bt', 'not-on-this-board'], optional: ['bad'], manual: ['wifi', 'bad'] },
  },
  'app/lxc.container.conf': 'a'.repeat(64),
  'app/root.squashfs': 'b'.repeat(64),
});

function machine() {
  const asked: string[] = [];
  const host = createMemoryHost({
    programs: {
      '/sbin/modprobe': (argv) => {
        asked.push(argv.slice(1).join(' '));
        return argv.includes('broken') ? { code: 1, stderr: 'modprobe: FATAL: Module broken not found.\n' } : {};
      },
    },
  });
  const { state, problems } = parseState(document, { initMode: 'embedded' });
  assert.ok(state !== undefined, JSON.stringify(problems));
  const container = state.containers[0];
  assert.ok(container !== undefined);
  const lines: string[] = [];
  const userMeta = (key: string) => (key === 'wifi.country' ? 'DE' : undefined);
  const log = (level: string, _: string, message: string) => void lines.push(`${level} ${message}`);
  return { asked, lines, container, drivers: new Drivers({ host, state: () => state, userMeta, log }) };
}

test('user metadata goes into the arguments of modules', () => {
  assert.deepEqual(
    moduleWords(`wlan  country=${fromUserMeta('c')} ${fromUserMeta('none')}`, (key) =>
      key === 'c' ? 'DE' : undefined,
    ),
    ['wlan', 'country=DE'],
  );
});

test('required and optional drivers are loaded before the start; what the board does not know is no mistake', async () => {
  const { asked, lines, container, drivers } = machine();
  await drivers.prepare(container);
  assert.deepEqual(asked, ['bluetooth', 'broken']);
  assert.match(lines.join(), /WARN cannot load driver bad of app: .*Module broken not found/);
  assert.deepEqual(drivers.list('app'), [
    { name: 'bt', type: 'REQUIRED', status: 'LOADED' },
    { name: 'not-on-this-board', type: 'REQUIRED', status: 'UNKNOWN' },
    { name: 'bad', type: 'OPTIONAL', status: 'UNLOADED' },
    { name: 'wifi', type: 'MANUAL', status: 'UNLOADED' },
    { name: 'bad', type: 'MANUAL', status: 'UNLOADED' },
  ]);
});

test('a required driver that cannot be loaded stops the container', async () => {
  const { container, drivers } = machine();
  const needs = { ...container, drivers: { required: ['bad'], optional: [], manual: [] } };
  await assert.rejects(drivers.prepare(needs), { code: 'driver-load', message: /cannot load driver bad of app/ });
});

test('manual drivers are loaded in order and unloaded in reverse, all or one', async () => {
  const { asked, drivers } = machine();
  assert.equal(await drivers.load('app', 'wifi'), true);
  assert.equal(await drivers.load('app', 'bt'), true, 'not manual: nothing to do');
  assert.equal(drivers.list('app')?.find(({ name }) => name === 'wifi')?.status, 'LOADED');
  await drivers.unload('app', 'wifi');
  assert.deepEqual(asked, ['cfg80211', 'wlan country=DE', '-r wlan', '-r cfg80211']);
  assert.equal(await drivers.load('app'), false, 'one of them fails');
  assert.equal(drivers.list('nobody'), undefined);
});

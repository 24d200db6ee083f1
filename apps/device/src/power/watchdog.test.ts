import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveConfig } from '../config/live.ts';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import { newWatchdog } from '../host/memory/watchdog.ts';
import { WatchdogKeeper } from './watchdog.ts';

function machine(mode: string, init = 'embedded', has = true) {
  const host = createMemoryHost();
  const watchdog = newWatchdog();
  if (has) host.machine.watchdogs.set('/dev/watchdog', watchdog);
  const settings = { PV_WDT_MODE: mode, PV_SYSTEM_INIT_MODE: init };
  const store = new ConfigStore(Object.entries(settings).map(([name, value]) => ({ name, value, source: 'test' })));
  const lines: string[] = [];
  const log = (level: string, _: string, message: string) => void lines.push(`${level} ${message}`);
  return { host, watchdog, lines, keeper: new WatchdogKeeper({ host, config: liveConfig(store), log }) };
}

test('shutdown: counts from the moment that the device goes down to restart, and goes on as containers end', async () => {
  const { host, keeper, watchdog } = machine('shutdown');
  await keeper.begin();
  await host.advance(60_000);
  assert.equal(watchdog.seconds, undefined);
  await keeper.ending('reboot');
  assert.equal(watchdog.seconds, 15);
  await host.advance(14_000);
  keeper.progress();
  await host.advance(14_000);
  assert.equal(watchdog.hasBitten, false);
  await host.advance(1_000);
  assert.equal(watchdog.hasBitten, true);
});

test('shutdown: a power-off may take its time', async () => {
  const { host, keeper, watchdog } = machine('shutdown');
  await keeper.ending('poweroff');
  await host.advance(60_000);
  assert.equal(watchdog.seconds, undefined);
});

test('startup: fed until a revision runs, then let go without stopping it', async () => {
  const { host, keeper, watchdog } = machine('startup');
  await keeper.begin();
  await host.advance(60_000);
  assert.deepEqual([watchdog.isOpen, watchdog.hasBitten], [true, false]);
  keeper.begun();
  assert.equal(watchdog.isOpen, false);
  await host.advance(15_000);
  assert.equal(watchdog.hasBitten, true);
});

test('always: fed as long as the runtime lives', async () => {
  const { host, keeper, watchdog } = machine('always');
  await keeper.begin();
  keeper.begun();
  await host.advance(600_000);
  assert.equal(watchdog.hasBitten, false);
  host.killRuntime();
  await host.advance(15_000);
  assert.equal(watchdog.hasBitten, true);
});

test('always: a shutdown that hangs is bitten, too', async () => {
  const { host, keeper, watchdog } = machine('always');
  await keeper.begin();
  await keeper.ending('reboot');
  await host.advance(15_000);
  assert.equal(watchdog.hasBitten, true);
});

test('disabled, and an app engine in any mode, leave the watchdog alone', async () => {
  for (const { keeper, watchdog } of [machine('disabled'), machine('always', 'appengine')]) {
    await keeper.begin();
    await keeper.ending('reboot');
    assert.equal(watchdog.seconds, undefined);
  }
});

test('a machine without a watchdog does without', async () => {
  const { keeper, lines } = machine('always', 'embedded', false);
  await keeper.begin();
  keeper.begun();
  await keeper.ending('reboot');
  keeper.progress();
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['DEBUG', 'DEBUG'],
  );
});

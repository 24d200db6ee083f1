import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigStore } from '../config/store.ts';
import { kernelSettings } from './kernel-settings.ts';

function settings(values: Record<string, string>): string[] {
  const defaults = { PV_SYSTEM_INIT_MODE: 'embedded', PV_LOG_CAPTURE_DMESG: '0' };
  const list = Object.entries({ ...defaults, ...values }).map(([name, value]) => ({ name, value, source: 'test' }));
  return kernelSettings(new ConfigStore(list).snapshot()).map(([path, value]) => `${path.split('/').at(-1)}=${value}`);
}

test('outputs on the console, and what is read from the kernel, need settings of the kernel', () => {
  assert.deepEqual(settings({ PV_LOG_SERVER_OUTPUTS: 'filetree' }), []);
  assert.deepEqual(settings({ PV_LOG_SERVER_OUTPUTS: 'stdout.containers' }), ['ignore_loglevel=Y']);
  for (const output of ['stdout', 'filetree,stdout_direct'])
    assert.deepEqual(settings({ PV_LOG_SERVER_OUTPUTS: output }), ['ignore_loglevel=Y', 'printk_devkmsg=on']);
  assert.deepEqual(settings({ PV_LOG_CAPTURE_DMESG: '1' }), ['printk_devkmsg=on']);
});

test('the kernel of an app engine is left alone', () => {
  assert.deepEqual(settings({ PV_SYSTEM_INIT_MODE: 'appengine', PV_LOG_SERVER_OUTPUTS: 'stdout' }), []);
});

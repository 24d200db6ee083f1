import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import { HostError } from '../host/ports.ts';
import type { Log } from '../runtime/log.ts';
import { makeDirectories } from '../volumes/directories.ts';
import { kernelSettings, tellKernel } from './kernel-settings.ts';

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

test('the kernel is told in whole lines, and only what it does not have yet', async () => {
  const { files } = createMemoryHost();
  const config = new ConfigStore([{ name: 'PV_LOG_SERVER_OUTPUTS', value: 'stdout', source: 'test' }]).snapshot();
  const [parameters, sysctls] = ['/sys/module/printk/parameters', '/proc/sys/kernel'];
  for (const path of [parameters, sysctls]) await makeDirectories(files, path);
  await files.write(`${parameters}/ignore_loglevel`, 'N\n');
  await files.write(`${sysctls}/printk_devkmsg`, 'on\n');
  const refusing = {
    ...files,
    // As the kernel whose command line says printk.devkmsg=on.
    write: (path: string, data: string | Uint8Array) =>
      path.endsWith('printk_devkmsg')
        ? Promise.reject(new HostError('EINVAL', 'write', path))
        : files.write(path, data),
  };
  const said: string[] = [];
  const log: Log = (level, _, message) => void said.push(`${level} ${message}`);
  await tellKernel(refusing, config, log);
  assert.equal(await files.readText(`${parameters}/ignore_loglevel`), 'Y\n');
  assert.deepEqual(said, []);
  await files.write(`${sysctls}/printk_devkmsg`, 'ratelimit\n');
  await tellKernel(files, config, log);
  assert.equal(await files.readText(`${sysctls}/printk_devkmsg`), 'on\n');
  await files.write(`${sysctls}/printk_devkmsg`, 'off\n');
  await tellKernel(refusing, config, log);
  assert.match(said.join('\n'), /^WARN cannot set up the kernel's log: .*printk_devkmsg/);
});

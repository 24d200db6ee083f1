import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Level, levelSets, levels } from './key-spec.ts';
import { parseFile } from './source.ts';
import { ConfigStore } from './store.ts';
import { sysctlPath, writeSysctls } from './sysctl.ts';
import { configKeys, findKey } from './table.ts';
import { parseValue, valueAsText } from './value.ts';

const options = { timeout: 60_000 };

test('the table has 115 keys with unique names, known levels and a sentence each', () => {
  assert.equal(configKeys.length, 115);
  const names = configKeys.flatMap(({ key, aliases }) => [key, ...aliases]);
  assert.equal(new Set(names).size, names.length);
  for (const row of configKeys) {
    assert.match(row.doc, /^[A-Z0-9].*\.$/, row.key);
    assert.ok(row.levels in levelSets);
    if (row.kind === 'choice') assert.ok(row.choices.includes(row.default));
  }
});

test('listings have the original shapes', () => {
  const store = new ConfigStore();
  store.override('PV_LOG_LEVEL', '4');
  const entries = store.list({ reveal: true });
  const entry = (key: string) => entries.find((candidate) => candidate.key === key);
  assert.equal(entries.length, 115);
  assert.deepEqual(entry('PV_LOG_LEVEL'), { key: 'PV_LOG_LEVEL', value: '4', modified: 'metadata' });
  assert.equal(entry('PV_LOG_SERVER_OUTPUTS')?.value, '132');
  assert.equal(entry('PH_CREDS_ID')?.value, '(null)');
  assert.equal(entry('PV_WDT_MODE')?.value, 'shutdown');
  const legacy = store.legacyList({ reveal: true });
  assert.equal(legacy['creds.id'], null);
  assert.equal(legacy['wdt.mode'], 1);
  assert.equal(legacy['secureboot.checksum'], true);
  assert.equal(legacy['log.server.outputs'], 132);
  assert.ok('PV_SECUREBOOT_OEM_TRUSTORE' in legacy);
  assert.equal(
    Object.keys(legacy).some((name) => name === 'PV_OEM_NAME'),
    false,
  );
});

test('secrets are shown only when they may be revealed, and never in warnings', () => {
  const store = new ConfigStore();
  store.apply(parseFile('PH_CREDS_SECRET=hunter2\nPH_FACTORY_AUTOTOK=token1', '/f').settings, 'ph conf file');
  const hidden = JSON.stringify([store.list({ reveal: false }), store.legacyList({ reveal: false })]);
  assert.doesNotMatch(hidden, /hunter2|token1/);
  assert.match(hidden, /"creds.secret":"XXXX"/);
  assert.match(JSON.stringify(store.legacyList({ reveal: true })), /"creds.secret":"hunter2"/);
});

test('metadata overrides and gives back; two names of one key do not disturb each other', () => {
  const store = new ConfigStore();
  store.apply(parseFile('PV_STORAGE_GC_KEEP_FACTORY=0', '/f').settings, 'pv conf file');
  store.override('storage.gc.keep_factory', '1');
  store.override('updater.keep_factory', '0');
  assert.equal(store.snapshot().PV_STORAGE_GC_KEEP_FACTORY, false);
  store.release('updater.keep_factory');
  assert.equal(store.snapshot().PV_STORAGE_GC_KEEP_FACTORY, true);
  store.release('storage.gc.keep_factory');
  assert.equal(store.snapshot().PV_STORAGE_GC_KEEP_FACTORY, false);
  assert.equal(store.levelOf('PV_STORAGE_GC_KEEP_FACTORY'), 'pv conf file');
  store.release('no such thing');
});

test('metadata sets neither kernel parameters nor keys that are fixed at start', () => {
  const store = new ConfigStore();
  const applied = store.apply([{ name: 'sysctl.kernel.panic', value: '1', source: 'user metadata' }], 'metadata');
  assert.deepEqual(applied.sysctls, []);
  assert.deepEqual(
    applied.warnings.map(({ code }) => code),
    ['sysctl-level'],
  );
  assert.deepEqual(
    store.override('PV_WDT_MODE', 'always').map(({ code }) => code),
    ['level-not-allowed'],
  );
  assert.deepEqual(
    store.override('greeting', 'hello').map(({ severity }) => severity),
    ['note'],
  );
});

test('listeners hear of changed values only, with their keys', () => {
  const store = new ConfigStore();
  const heard: string[] = [];
  const stop = store.subscribe((config, changed) => heard.push(`${[...changed].join()} ${config.PV_LOG_LEVEL}`));
  store.override('PV_LOG_LEVEL', '2');
  store.override('PV_LOG_LEVEL', '2');
  store.override('PV_LOG_SERVER_OUTPUTS', 'filetree');
  stop();
  store.override('PV_LOG_LEVEL', '3');
  assert.deepEqual(heard, ['PV_LOG_LEVEL 2']);
});

test('an invalid value changes nothing, also not the level', () => {
  const store = new ConfigStore();
  store.apply([{ name: 'PV_SECUREBOOT_MODE', value: 'Strict', source: 'environment' }], 'env');
  assert.equal(store.levelOf('PV_SECUREBOOT_MODE'), 'default');
  store.apply([{ name: 'PV_SECUREBOOT_MODE', value: 'audit', source: '/f' }], 'pv conf file');
  assert.equal(store.snapshot().PV_SECUREBOOT_MODE, 'audit');
});

test('values by kind', () => {
  const parse = (key: string, text: string) => {
    const parsed = parseValue(findKey(key)!.row, text);
    return parsed.ok ? parsed.value : 'refused';
  };
  const cases: [string, string, unknown][] = [
    ['PV_LOG_CAPTURE', 'YES', true],
    ['PV_LOG_CAPTURE', '-3', true],
    ['PV_LOG_CAPTURE', '', false],
    ['PV_LOG_CAPTURE', 'maybe', 'refused'],
    ['PV_LOG_LEVEL', ' +5', 5],
    ['PV_LOG_LEVEL', '', 0],
    ['PV_LOG_LEVEL', '5x', 'refused'],
    ['PV_LOG_LEVEL', '4294967296', 'refused'],
    ['PV_POWER_WAKE_INTERVAL', '2h', 7200],
    ['PV_POWER_WAKE_INTERVAL', '0', 'refused'],
    ['PV_POWER_WAKE_INTERVAL', '-1', 'refused'],
    ['PV_POWER_WAKE_INTERVAL', '3 min', 'refused'],
    ['PV_BOOTLOADER_TYPE', 'rpiab', 'rpiab'],
    ['PV_OEM_NAME', '', ''],
  ];
  for (const [key, text, expected] of cases) assert.equal(parse(key, text), expected, `${key}=${text}`);
  assert.deepEqual(parse('PV_LOG_SERVER_OUTPUTS', 'stdout,syslog,nullsink'), ['nullsink', 'stdout']);
});

test('what a listing shows can be set again, for every key and any text', options, () => {
  fc.assert(
    fc.property(fc.constantFrom(...configKeys), fc.oneof(fc.string(), fc.integer().map(String)), (row, text) => {
      const parsed = parseValue(row, text);
      if (!parsed.ok || row.kind === 'outputs' || row.kind === 'text') return;
      const again = parseValue(row, valueAsText(row, parsed.value));
      assert.deepEqual(again, { ...parsed, dropped: [] });
    }),
  );
});

const anyLevel = fc.constantFrom<Level>(
  'pv conf file',
  'ph conf file',
  'policy',
  'oem config',
  'pv cmdline',
  'env',
  'metadata',
);

test('whatever the order of writes, the value comes from the highest level that took one', options, () => {
  const writes = fc.array(fc.record({ level: anyLevel, value: fc.integer({ min: 0, max: 9 }) }), { maxLength: 20 });
  fc.assert(
    fc.property(writes, (list) => {
      const store = new ConfigStore();
      const last = new Map<Level, number>();
      for (const { level, value } of list) {
        const { warnings } = store.apply([{ name: 'PV_LOG_LEVEL', value: String(value), source: 'test' }], level);
        if (warnings.length === 0) last.set(level, value);
      }
      const winner = levels.findLast((level) => last.has(level));
      assert.equal(store.levelOf('PV_LOG_LEVEL'), winner ?? 'default');
      assert.equal(store.snapshot().PV_LOG_LEVEL, winner === undefined ? 0 : last.get(winner));
    }),
  );
});

test('any sequence of overrides and releases ends at the value before when all are released', options, () => {
  const step = fc.record({ name: fc.constantFrom('PV_LOG_LEVEL', 'log.level', 'pv_log_level'), value: fc.string() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const store = new ConfigStore();
      const before = store.snapshot();
      for (const { name, value } of steps) store.override(name, value);
      for (const { name } of steps) store.release(name);
      assert.deepEqual(store.snapshot(), before);
    }),
  );
});

test('the file parser survives anything and keeps the last value of a key verbatim', options, () => {
  fc.assert(fc.property(fc.string(), (text) => void parseFile(text, '/f')));
  const word = fc.stringMatching(/^[A-Z_]{1,6}$/);
  const value = fc.string().filter((text) => !/[\r\n]/.test(text));
  fc.assert(
    fc.property(fc.array(fc.tuple(word, value), { minLength: 1 }), (pairs) => {
      const text = pairs.map(([key, content]) => `${key}=${content}`).join('\n');
      const expected = Object.fromEntries(pairs);
      const parsed = parseFile(text, '/f').settings;
      assert.deepEqual(Object.fromEntries(parsed.map(({ name, value: content }) => [name, content])), expected);
    }),
  );
});

test('kernel parameters: underscores become slashes as far as there are directories', async () => {
  const directories = new Set(['/proc/sys/kernel', '/proc/sys/net', '/proc/sys/net/core']);
  const written: [string, unknown][] = [];
  const files = {
    status: async (path: string) =>
      directories.has(path)
        ? { kind: 'directory' as const, size: 0, mode: 0, inode: 0, device: 0, links: 0, modified: 0, uid: 0, gid: 0 }
        : undefined,
    write: async (path: string, data: string | Uint8Array) => void written.push([path, data]),
  };
  assert.equal(await sysctlPath(files, 'PV_SYSCTL_KERNEL_CORE_PATTERN'), '/proc/sys/kernel/core_pattern');
  assert.equal(await sysctlPath(files, 'pv_sysctl_net_core_rmem_max'), '/proc/sys/net/core/rmem_max');
  assert.equal(await sysctlPath(files, 'sysctl.kernel.panic'), '/proc/sys/kernel/panic');
  assert.equal(await sysctlPath(files, 'sysctl.kernel...panic'), undefined);
  assert.equal(await sysctlPath(files, 'sysctl.a/../b'), undefined);
  const warnings = await writeSysctls(files, [
    { name: 'sysctl.kernel.panic', value: '5', source: '/f', line: 3 },
    { name: 'sysctl.', value: '5', source: '/f', line: 4 },
  ]);
  assert.deepEqual(written, [['/proc/sys/kernel/panic', '5']]);
  assert.deepEqual(
    warnings.map(({ line, code }) => [line, code]),
    [[4, 'sysctl-refused']],
  );
});

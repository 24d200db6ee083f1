import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '../host/ports.ts';
import { applyHubFile, formatHubFile, loadOemFile, oemFilePath } from './later.ts';
import { ConfigError, type LoadRequest, loadConfig } from './load.ts';
import { parseCommandLine } from './source.ts';
import { formatWarning } from './warning.ts';

/** Files that hold exactly these texts. */
const holding = (texts: Record<string, string>) => ({
  async readText(path: string) {
    const text = texts[path];
    if (text === undefined) throw new HostError('ENOENT', 'read', path);
    return text;
  },
});
const load = (texts: Record<string, string>, rest: Partial<LoadRequest> = {}) =>
  loadConfig({ files: holding(texts), environment: {}, cmdline: '', arguments: [], ...rest });
const file = '/etc/pantavisor.config';

test('without a file the packaged set of the mode stands in, and follows the storage', async () => {
  const {
    config,
    file: read,
    warnings,
  } = await load({}, { arguments: ['pv_appengine'], environment: { PV_STORAGE_MNTPOINT: '/srv/device' } });
  assert.equal(read, undefined);
  assert.deepEqual(warnings, []);
  assert.equal(config.PV_SYSTEM_INIT_MODE, 'appengine');
  assert.equal(config.PV_LOG_DIR, '/srv/device/logs');
  assert.equal(config.PV_WDT_MODE, 'disabled');
  assert.equal((await load({})).config.PV_STORAGE_DEVICE, 'LABEL=root');
});

test('with a file the compiled defaults are underneath, not the packaged set', async () => {
  const { config, file: read } = await load({ [file]: 'PV_LOG_LEVEL=3\n' });
  assert.equal(read, file);
  assert.equal(config.PV_LOG_LEVEL, 3);
  assert.equal(config.PV_SYSTEM_RUNDIR, '/pv');
  assert.equal(config.PV_STORAGE_MNTPOINT, undefined);
});

test('a named file that cannot be read is an error, and so is a missing policy', async () => {
  await assert.rejects(
    load({}, { arguments: ['--config', '/nowhere'] }),
    (error) => error instanceof ConfigError && error.code === 'config-unreadable' && error.path === '/nowhere',
  );
  await assert.rejects(
    load({ [file]: 'PV_POLICY=prod\n' }),
    (error) => error instanceof ConfigError && error.path === '/etc/pantavisor/policies/prod.config',
  );
});

test('rank decides, not the order of loading', async () => {
  const { store, config } = await load(
    {
      [file]: 'PV_LOG_LEVEL=1\nPV_NET_BRDEV=file0\nPV_POLICY=p\n',
      '/etc/pantavisor/policies/p.config': 'PV_LOG_LEVEL=2\nPV_NET_BRDEV=pol0',
    },
    { cmdline: 'quiet pv_log.level=3 pv_rev=4', environment: { PV_LOG_LEVEL: '4', HOME: '/root' } },
  );
  assert.equal(config.PV_LOG_LEVEL, 4);
  assert.equal(store.levelOf('PV_LOG_LEVEL'), 'env');
  assert.equal(config.PV_NET_BRDEV, 'pol0');
  assert.equal(store.levelOf('PV_NET_BRDEV'), 'policy');
});

test('what the kernel hands over from its command line is no unknown key', async () => {
  const environment = { pv_rev: '4', pv_try: '', pv_trying: '4', pv_autogrow: 'off', pv_rvv: '1' };
  const cmdline = 'pv_bootloader.dtb=broadcom/board.dtb pv_bootloader.ovl=hat';
  const { warnings } = await load({ [file]: '' }, { environment, cmdline });
  assert.deepEqual(
    warnings.map(({ key }) => key),
    ['pv_rvv'],
  );
});

test('the policy is named by the command line, else the environment, else the file; unusable names are passed over', async () => {
  const texts = {
    [file]: 'policy=third\n',
    '/etc/pantavisor/policies/first.config': 'PV_OEM_NAME=first',
    '/etc/pantavisor/policies/third.config': 'PV_OEM_NAME=third',
  };
  const first = await load(texts, { cmdline: 'pv_policy=first', environment: { PV_POLICY: 'second' } });
  assert.equal(first.config.PV_OEM_NAME, 'first');
  const third = await load(texts, { cmdline: 'pv_policy=../x', environment: { PV_POLICY: '' } });
  assert.equal(third.config.PV_OEM_NAME, 'third');
  assert.deepEqual(
    third.warnings.filter(({ code }) => code === 'unusable-policy-name').map(({ source }) => source),
    ['kernel command line', 'environment'],
  );
});

test('warnings name file, line and key, and what to do', async () => {
  const { warnings, config } = await load({
    [file]: '# comment\nPV_LOG_LEVL=4\nPV_LOG_LEVEL=high\nPH_CREDS_HOST=x\nnonsense\nlog.push=0\nPV_WDT_MODE=Always\n',
  });
  assert.deepEqual(warnings.map(formatWarning), [
    '/etc/pantavisor.config:5: cannot read the line "nonsense"; write KEY=VALUE',
    '/etc/pantavisor.config:2: PV_LOG_LEVL: cannot use an unknown key; did you mean PV_LOG_LEVEL?',
    '/etc/pantavisor.config:3: PV_LOG_LEVEL: cannot use the value "high" for PV_LOG_LEVEL; expected a whole number of at most 32 bits',
    '/etc/pantavisor.config:4: PH_CREDS_HOST: cannot set PH_CREDS_HOST at level pv conf file; it is allowed at: ph conf file, policy, oem config, ph cmdline, env',
    '/etc/pantavisor.config:6: log.push: is an older name of PV_LOG_PUSH',
    '/etc/pantavisor.config:7: PV_WDT_MODE: cannot use the value "Always" for PV_WDT_MODE; expected disabled, shutdown, startup, always',
  ]);
  assert.equal(config.PV_WDT_MODE, 'shutdown');
  assert.equal(config.PV_LOG_PUSH, false);
});

test('program arguments win over everything at start, and still give way to levels above them later', async () => {
  const { config, store } = await load(
    { [file]: 'PV_SYSTEM_INIT_MODE=embedded\nPV_DEBUG_SSH=0\n' },
    { arguments: ['pv_standalone', 'pv_debug'], environment: { PV_SYSTEM_INIT_MODE: 'appengine', PV_DEBUG_SSH: '0' } },
  );
  assert.equal(config.PV_SYSTEM_INIT_MODE, 'standalone');
  assert.equal(config.PV_DEBUG_SSH, true);
  assert.equal(store.levelOf('PV_DEBUG_SSH'), 'args');
  store.override('debug.ssh', '0');
  assert.equal(store.snapshot().PV_DEBUG_SSH, false);
});

test('kernel parameters are collected from files and the environment in order', async () => {
  const { sysctls } = await load(
    { [file]: 'PV_SYSCTL_VM_SWAPPINESS=10\nsysctl.kernel.panic=5\n' },
    { cmdline: 'pv_sysctl.kernel.panic=6' },
  );
  assert.deepEqual(
    sysctls.map(({ name, value }) => `${name}=${value}`),
    ['PV_SYSCTL_VM_SWAPPINESS=10', 'sysctl.kernel.panic=5', 'sysctl.kernel.panic=6'],
  );
});

test('the OEM file of a revision replaces that of the revision before', async () => {
  const texts = {
    [file]: 'PV_OEM_NAME=oem\nPV_STORAGE_MNTPOINT=/s\n',
    '/s/trails/1/oem/default.config': 'PV_LOG_LEVEL=5\nPV_NET_BRDEV=oem0\n',
    '/s/trails/locals/two/oem/default.config': 'PV_LOG_LEVEL=2\nPV_WDT_MODE=always\n',
  };
  const { store, config } = await load(texts);
  assert.equal(oemFilePath(config, '1'), '/s/trails/1/oem/default.config');
  await loadOemFile(holding(texts), store, '1');
  assert.equal(store.snapshot().PV_NET_BRDEV, 'oem0');
  const second = await loadOemFile(holding(texts), store, 'locals/two');
  assert.equal(store.snapshot().PV_NET_BRDEV, 'lxcbr0');
  assert.equal(store.snapshot().PV_LOG_LEVEL, 2);
  assert.deepEqual(
    second.warnings.map(({ code }) => code),
    ['level-not-allowed'],
  );
  assert.equal((await loadOemFile(holding(texts), store, '9')).path, undefined);
  assert.equal(store.snapshot().PV_LOG_LEVEL, 0);
});

test("the Hub's file is read below policy and environment, and written with what counts", async () => {
  const { store, cmdline } = await load(
    { [file]: '' },
    { cmdline: 'ph_creds.host=hub.example', environment: { PH_CREDS_PORT: '8443' } },
  );
  applyHubFile(store, 'PH_CREDS_PORT=1\nPH_CREDS_ID=abc\nPH_CREDS_HOST=other\nPV_LOG_LEVEL=1\n', '/p', cmdline);
  const config = store.snapshot();
  assert.deepEqual(
    [config.PH_CREDS_HOST, config.PH_CREDS_PORT, config.PH_CREDS_ID, config.PV_LOG_LEVEL],
    ['hub.example', 8443, 'abc', 0],
  );
  const written = formatHubFile(config);
  assert.match(
    written,
    /^PH_CREDS_HOST=hub\.example\nPH_CREDS_ID=abc\nPH_CREDS_PORT=8443\nPH_CREDS_PROXY_NOPROXYCONNECT=0\n/,
  );
  assert.doesNotMatch(written, /PH_CREDS_SECRET/);
  assert.equal(written.split('\n').length - 1, 15);
});

test('a quick boot is one without looking at every byte, when the word has a value', () => {
  const read = (text: string) => parseCommandLine(text, 'pv_').map(({ name, value }) => `${name}=${value}`);
  assert.deepEqual(read('pv_quickboot=1 pv_rev=3'), ['PV_SECUREBOOT_CHECKSUM=0']);
  // As boot scripts of the original say it, which has never had an effect.
  assert.deepEqual(read('pv_try= pv_quickboot'), []);
});

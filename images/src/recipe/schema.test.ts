import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { architectureNames } from './architectures.ts';
import { recipeSpec } from './recipe.ts';
import { formatRecipeProblem, readRecipe } from './schema.ts';

const read = (value: unknown) => readRecipe(JSON.stringify(value), '/recipes/demo.json');
const least = { '#spec': recipeSpec, name: 'demo', architecture: 'x86_64' };

test('a recipe of three members is complete', () => {
  assert.deepEqual(read(least).recipe, {
    name: 'demo',
    architecture: 'x86_64',
    loader: 'grub',
    kernel: { debian: 'linux-image-cloud-amd64' },
    arguments: 'console=ttyS0,115200 printk.devkmsg=on initcall_blacklist=tracer_init_tracefs loop.hw_queue_depth=16',
    parts: [],
    config: {},
    hub: {},
    drivers: { all: {} },
    initramfs: {},
    boot: { files: {}, raw: {}, oem: {} },
    signing: {},
    storage: { size: 512 * 1024 * 1024, files: {} },
    compression: 'best',
    machine: { memory: 512, processors: 1, ports: {} },
  });
});

test('each architecture has a kernel of Debian and a boot loader of its own', () => {
  const found = architectureNames.map((architecture) => read({ ...least, architecture }).recipe);
  assert.deepEqual(
    found.map((recipe) => [recipe?.architecture, recipe?.loader, recipe?.kernel]),
    [
      ['x86_64', 'grub', { debian: 'linux-image-cloud-amd64' }],
      ['aarch64', 'u-boot', { debian: 'linux-image-cloud-arm64' }],
      ['armv7', 'u-boot', { debian: 'linux-image-armmp' }],
    ],
  );
});

test('paths are relative to the recipe, addresses stay as they are', () => {
  const { recipe } = read({
    ...least,
    kernel: { image: 'Image', modules: '/lib/modules/6.1', fdt: 'a.dtb' },
    parts: ['./apps#web,-db', '../x.pvrexport.tgz', 'user/device#bsp', 'https://example.org/x'],
    initramfs: { 'etc/motd': 'motd' },
  });
  assert.deepEqual(recipe?.kernel, {
    image: '/recipes/Image',
    modules: '/lib/modules/6.1',
    fdt: { 'a.dtb': '/recipes/a.dtb' },
  });
  assert.deepEqual(recipe?.parts, [
    '/recipes/apps#web,-db',
    '/x.pvrexport.tgz',
    'user/device#bsp',
    'https://example.org/x',
  ]);
  assert.deepEqual(recipe?.initramfs, { 'etc/motd': '/recipes/motd' });
});

test('drivers are for all boards, or for those with a device tree, overlay or configuration of that name', () => {
  const { recipe } = read({
    ...least,
    drivers: { wifi: ['iwlwifi'], 'dtb:maker/board.dtb': { wifi: ['brcmfmac'] }, 'fitconfig:conf-1': { bt: ['hci'] } },
  });
  assert.deepEqual(recipe?.drivers, {
    all: { wifi: ['iwlwifi'] },
    'dtb:maker/board.dtb': { wifi: ['brcmfmac'] },
    'fitconfig:conf-1': { bt: ['hci'] },
  });
});

test('device trees are one or several by name, of a package or files of one’s own; a FIT needs one, and U-Boot', () => {
  const kernel = (value: unknown, more = {}) => read({ ...least, architecture: 'aarch64', kernel: value, ...more });
  assert.deepEqual(kernel({ debian: 'linux-image-arm64', fdt: 'broadcom/pi.dtb' }).recipe?.kernel, {
    debian: 'linux-image-arm64',
    fdt: { 'pi.dtb': 'broadcom/pi.dtb' },
  });
  const several = { 'maker/a.dtb': 'a.dtb', 'maker/b.dtb': '/b.dtb' };
  assert.deepEqual(kernel({ image: 'Image', fdt: several }).recipe?.kernel.fdt, {
    'maker/a.dtb': '/recipes/a.dtb',
    'maker/b.dtb': '/b.dtb',
  });
  const lines = ({ problems }: ReturnType<typeof read>) => problems.map(formatRecipeProblem);
  assert.deepEqual(lines(kernel({ image: 'Image', fdt: {} })), ['kernel.fdt must name a device tree']);
  assert.deepEqual(lines(kernel({ image: 'Image' }, { boot: { fit: '0x40400000' } })), [
    'boot.fit needs kernel.fdt: U-Boot hands over no device tree of its own beside a FIT',
  ]);
  assert.deepEqual(lines(kernel(undefined, { loader: 'rpi', boot: { oem: { a: 'b' } } })), [
    'boot.oem is for the loader u-boot, and not for rpi',
  ]);
  const own = { image: 'Image', fdt: 'a.dtb' };
  assert.deepEqual(lines(kernel(own, { boot: { fit: '0x40480000' } })), [
    'boot.fit must be a multiple of 0x200000: kernels of aarch64 run nowhere else',
  ]);
  assert.equal(kernel(own, { boot: { fit: '0x40400000' } }).recipe?.boot.fit, 0x40400000);
});

test('kernel arguments have nothing that a boot script would take for its own', () => {
  const said = (more: object) => read({ ...least, ...more }).problems.map(formatRecipeProblem);
  const message =
    'arguments must have none of " \' $ ; & | < > ` \\ # { }: the boot script would take them for its own';
  for (const text of ['dyndbg="file x +p"', "a='b'", 'memmap=1M$0x10', 'a;b', 'a\\b', 'a #b'])
    assert.deepEqual(said({ arguments: text }), [message], text);
  assert.deepEqual(said({ arguments: 'dyndbg="file x +p"', loader: 'none' }), []);
  assert.deepEqual(said({ arguments: 'console=ttyS0,115200 mtdparts=a:1M(b),-(c) x.y=@1,2' }), []);
});

test('all problems are told at once, each with its place and what to do', () => {
  const { problems } = read({
    '#spec': 'pantavisor-image@2',
    name: '../x',
    architecture: 'aarch64',
    loader: 'grub',
    kernal: 1,
    kernel: { debian: 'linux', firmware: 'x' },
    boot: { fit: 'yes', oem: { 'a b': 'x', c: 'x\ny' } },
    arguments: 'a\nb',
    parts: 'web',
    config: { pv_log: 'x', PV_OEM_NAME: 'x\ny', PV_LOG_LEVL: '5', PV_WDT_MODE: 'often', PH_CREDS_HOST: 'x' },
    hub: { PH_CREDS_HOT: 'x', PV_LOG_LEVEL: '1' },
    storage: { size: '31M', files: { '/etc/x': '', 'a/../b': '' } },
    initramfs: { '': 'x' },
    machine: { memory: 1, ports: { http: 80, '8080': 'x' } },
    drivers: { wifi: 'x', 'dtb:maker/board.dtb': { wifi: 'x' }, 'ovl:hat': ['x'] },
  });
  assert.deepEqual(
    problems.map(({ place, message }) => `${place}: ${message}`).sort(),
    [
      'kernal: is not known; did you mean kernel?',
      '#spec: must be "pantavisor-image@1"',
      'name: must be 1 to 64 letters, digits, dots, dashes or underscores',
      'loader: must be one of u-boot, rpi, none',
      'kernel.firmware: does not go with kernel.debian, which brings its own',
      'boot.fit: must be an address, such as "0x40400000", to which U-Boot copies the kernel',
      'boot.oem.a b: must be a name of a variable of U-Boot',
      'boot.oem.c: must be one line',
      'arguments: must be one line',
      'parts: must be a list',
      'config.pv_log: must be a key of the configuration, such as PV_LOG_LEVEL',
      'config.PV_OEM_NAME: must be one line',
      'config.PV_LOG_LEVL: is not known; did you mean PV_LOG_LEVEL?',
      'config.PV_WDT_MODE: must be disabled, shutdown, startup, always',
      'config.PH_CREDS_HOST: does not count here: it is allowed at: ph conf file, policy, oem config, ph cmdline, env',
      'hub.PH_CREDS_HOT: is not known; did you mean PH_CREDS_HOST?',
      'hub.PV_LOG_LEVEL: does not count here: it is allowed at: pv conf file, policy, oem config, pv cmdline, env, metadata, command',
      'drivers.wifi: must be a list',
      'drivers.dtb:maker/board.dtb.wifi: must be a list',
      'drivers.ovl:hat: must be an object',
      'initramfs.: must be a relative path without . and ..',
      'storage.size: must be a size of at least 32M, such as 512M or 2G',
      'storage.files./etc/x: must be a relative path without . and ..',
      'storage.files.a/../b: must be a relative path without . and ..',
      'machine.memory: must be a whole number from 32 to 65536',
      'machine.ports.http: must be a port of the host, or 0 for a free one',
      'machine.ports.8080: must be a whole number from 1 to 65535',
    ].sort(),
  );
  assert.match(readRecipe('{', 'x').problems[0]?.message ?? '', /is not JSON/);
});

test('whatever it is given, it answers with a recipe or with problems', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc
          .record(Object.fromEntries(Object.keys(read(least).recipe ?? {}).map((key) => [key, fc.jsonValue()])))
          .map((value) => JSON.stringify({ ...least, ...value })),
      ),
      (text) => {
        const { recipe, problems } = readRecipe(text, '/r.json');
        assert.equal(recipe === undefined, problems.length > 0);
        for (const { message } of problems) assert.match(message, /^(is|must|needs|does)/);
      },
    ),
  );
});

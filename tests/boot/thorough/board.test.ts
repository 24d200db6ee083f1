/** What a board brings and says, on a real kernel: managed drivers, kernel parameters, volumes for firmware and credentials, a swap file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { probeContainer } from '../../harness/revision.ts';
import { assertShown, type StateEditor, storageDisk } from '../device-image.ts';
import { machineMissing } from '../harness.ts';
import { boot, inside, powerOff, ready } from '../shell.ts';

const options = { skip: machineMissing(), timeout: 1_200_000 };

/** Drivers as the modules of the initramfs allow them: a watchdog in software, and memory that is compressed. */
const drivers = {
  '#spec': 'driver-aliases@1',
  all: {
    dog: [`softdog soft_margin=\${user-meta:dog.margin}`],
    memory: ['zram num_devices=1'],
    missing: ['no_such_module'],
  },
  'dtb:maker/board.dtb': { memory: ['zram num_devices=3'] },
  'dtb:maker/other.dtb': { memory: ['no_such_module'] },
};

const uses = (list: Partial<Record<'required' | 'optional' | 'manual', string[]>>) => ({
  group: 'app',
  runJson: { drivers: { required: [], optional: [], manual: [], ...list } },
});

/** Waits for the metadata that its driver is given, and then wants that driver. */
const asks = {
  ...probeContainer('asks', ['init'], uses({ manual: ['dog'] })),
  role: 'mgmt' as const,
  init: ['/start.sh'],
  rootfs: {
    packages: ['netcat-openbsd'],
    trees: [fileURLToPath(new URL('../../../containers/pv-request/rootfs', import.meta.url))],
    files: {
      '/start.sh': {
        executable: true,
        text: `#!/bin/sh
trap 'exit 0' PWR TERM
until pv-request GET /user-meta | grep -q dog.margin; do sleep 1; done
pv-request PUT /drivers/dog/load
while :; do sleep 86400 & wait $!; done
`,
      },
    },
  },
};

test(
  'containers get the drivers of this board: required and optional ones at their start, manual ones when somebody asks',
  options,
  async (t) => {
    const recipe = [probeContainer('needs', ['init'], uses({ required: ['memory'], optional: ['missing'] })), asks];
    const disk = await storageDisk(t, recipe, {
      edit: (editor) => {
        editor.board();
        editor.json('bsp/drivers.json', drivers);
      },
    });
    const words = 'pv_bootloader.dtb=maker/board.dtb PV_SYSCTL_KERNEL_PANIC=17 pv_sysctl.vm.swappiness=33';
    const machine = await boot(t, disk, words);
    await machine.console.waitFor(ready);
    assertShown(machine.console, /cannot load driver missing of needs/);
    const seen = await inside(
      machine,
      'ls -1d /sys/block/zram*; sysctl kernel.panic vm.swappiness; ls -d /sys/module/softdog',
    );
    for (const device of ['zram0', 'zram1', 'zram2']) assert.match(seen, new RegExp(`^/sys/block/${device}`, 'm'));
    assert.match(seen, /^kernel.panic = 17/m);
    assert.match(seen, /^vm.swappiness = 33/m);
    assert.doesNotMatch(seen, /^\/sys\/module\/softdog/m);
    machine.console.send('pvcontrol usrmeta save dog.margin 47\n');
    await machine.console.waitFor(/softdog: initialized\. .* soft_margin=47 /);
    await powerOff(machine);
  },
);

function withVolumes(editor: StateEditor): void {
  editor.board();
  editor.json('device.json', {
    ...(editor.state['device.json'] as object),
    disks_v2: [
      {
        name: 'secrets',
        type: 'dm-crypt-versatile',
        path: '/storage/dm-crypt-files/secrets/versatile.img,4,versatile_key',
      },
      { name: 'swap', type: 'swap-disk', provision: 'file', path: '/storage/swap', provision_options: 'size=8M' },
    ],
    volumes: {
      'pv--phconfig': { persistence: 'permanent', disk: 'secrets' },
      'pv--firmware': { persistence: 'permanent' },
    },
  });
}

test(
  'credentials lie in an encrypted volume and firmware in another, and a swap file is used, at the first start and later',
  options,
  async (t) => {
    const keeper = probeContainer('keeper', ['init'], {
      group: 'app',
      runJson: {
        storage: { 'lxc-overlay': { persistence: 'boot' }, data: { persistence: 'permanent', disk: 'secrets' } },
      },
    });
    const disk = await storageDisk(t, [keeper], { edit: withVolumes });
    const words = 'PV_STORAGE_PHCONFIG_VOL=1 PV_STORAGE_FIRMWARE_VOL=1';
    const machine = await boot(t, disk, words);
    await machine.console.waitFor(ready);
    const seen = await inside(
      machine,
      'cat /proc/swaps /proc/mounts; cat /sys/module/firmware_class/parameters/path; ' +
        'echo kept > /volumes/keeper/data/file; sync',
    );
    assert.match(seen, /^\/storage\/swap\s+file\s+8180/m);
    assert.match(seen, /^\/dev\/mapper\/versatile \/volumes\/bsp\/pv--phconfig ext4/m);
    assert.match(seen, /^\/volumes\/bsp\/pv--firmware$/m);
    await powerOff(machine);
    const again = await boot(t, disk, words);
    await again.console.waitFor(ready);
    const later = await inside(again, 'cat /volumes/keeper/data/file /proc/swaps');
    assert.match(later, /^kept/m);
    assert.match(later, /^\/storage\/swap\s+file/m);
    await powerOff(again);
  },
);

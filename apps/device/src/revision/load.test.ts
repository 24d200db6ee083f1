import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigStore } from '../config/store.ts';
import { createMemoryHost } from '../host/memory/host.ts';
import { parseContext, readState } from './load.ts';

test('the boot loader tells which device tree and overlays it has loaded, and drivers follow', async () => {
  const { files } = createMemoryHost();
  const text = JSON.stringify({
    '#spec': 'pantavisor-service-system@1',
    'bsp/drivers.json': {
      '#spec': 'driver-aliases@1',
      all: { wifi: ['iwlwifi'], bt: ['btintel'] },
      'dtb:maker/board.dtb': { wifi: ['cfg80211', 'brcmfmac'] },
      'dtb:maker/other.dtb': { bt: ['none'] },
      'ovl:hat': { hat: ['hat-driver'] },
    },
  });
  const driversWith = async (cmdline: string) =>
    readState(text, await parseContext(files, new ConfigStore().snapshot(), cmdline), 'json').state.drivers;
  assert.deepEqual(await driversWith('quiet pv_bootloader.dtb='), { wifi: ['iwlwifi'], bt: ['btintel'] });
  const told = 'quiet pv_bootloader.dtb=maker/board.dtb pv_rev=1 pv_bootloader.ovl=other,hat';
  assert.deepEqual(await driversWith(told), {
    wifi: ['cfg80211', 'brcmfmac'],
    bt: ['btintel'],
    hat: ['hat-driver'],
  });
});

/** Power cuts on a machine that U-Boot boots. */
import { test } from 'node:test';
import { machineMissing } from '../harness.ts';
import { survivesPowerCuts } from '../power-cuts.ts';

test(
  'a device with U-Boot survives cuts of its power during updates',
  { skip: machineMissing('aarch64'), timeout: 4 * 3600_000 },
  (t) => survivesPowerCuts(t, { architecture: 'aarch64', loader: 'u-boot' }, 6),
);

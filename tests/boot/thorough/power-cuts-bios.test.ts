/** Power cuts on a machine that GRUB boots from its BIOS. */
import { test } from 'node:test';
import { machineMissing } from '../harness.ts';
import { survivesPowerCuts } from '../power-cuts.ts';

test(
  'a device with GRUB for BIOS survives cuts of its power during updates',
  { skip: machineMissing(), timeout: 4 * 3600_000 },
  (t) => survivesPowerCuts(t, { loader: 'grub' }, 18),
);

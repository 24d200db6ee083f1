/** Revisions that do not hold, on a machine that U-Boot boots. */
import { test } from 'node:test';
import { machineMissing } from '../harness.ts';
import { everyFaultRollsBack } from '../rollback.ts';

test(
  'U-Boot goes back from every revision that does not hold',
  { skip: machineMissing('aarch64'), timeout: 3_600_000 },
  (t) => everyFaultRollsBack(t, { architecture: 'aarch64', loader: 'u-boot', seconds: 3600 }),
);

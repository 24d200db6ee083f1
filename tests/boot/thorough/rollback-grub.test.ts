/** Revisions that do not hold, on machines that GRUB boots. */
import { test } from 'node:test';
import { machineMissing } from '../harness.ts';
import { everyFaultRollsBack } from '../rollback.ts';

const options = { skip: machineMissing(), timeout: 3_600_000 };

test('GRUB for BIOS goes back from every revision that does not hold', options, (t) =>
  everyFaultRollsBack(t, { loader: 'grub', seconds: 3600 }),
);

test('GRUB for UEFI goes back from every revision that does not hold', options, (t) =>
  everyFaultRollsBack(t, { loader: 'grub', firmware: 'efi', seconds: 3600 }),
);

/** One step after the other of a flow fails on the disk (EIO), or finds it full (ENOSPC): nothing that was acknowledged is lost, and nothing is stuck. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultyDisk, failEachStep } from './power-cut/faulty-disk.ts';
import { deviceFlows } from './power-cut/flows/device-flows.ts';

const minute = 60_000;
/** Flows that between them have every step of updates. */
const flows = {
  EIO: ['install', 'in-place-update', 'rollback-exits', 'factory-reset', 'apply', 'collect'],
  ENOSPC: ['install', 'in-place-update'],
};

for (const [code, names] of Object.entries(flows))
  for (const name of names)
    test(`${name}: each step fails once with ${code}`, { timeout: 5 * minute }, async (context) => {
      const disk = new FaultyDisk('/data');
      const flow = deviceFlows(disk.tamper).find((candidate) => candidate.name === name) ?? assert.fail();
      const { faults, violations } = await failEachStep(flow, disk, code);
      context.diagnostic(`${faults} faults`);
      assert.deepEqual(violations, []);
      assert.ok(faults > 50, `${faults} faults`);
    });

/** The power-cut explorer as part of every test run: a hundred thousand crash states without a violation, and faults that it must find. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exploreAll } from './power-cut/crew.ts';
import { explore } from './power-cut/explore.ts';
import type { Tamper } from './power-cut/flow.ts';
import { allFlows } from './power-cut/flows/all-flows.ts';
import { replay } from './power-cut/replay.ts';
import { divideStates } from './power-cut/shares.ts';
import { formatState, parseState } from './power-cut/state-name.ts';
import { formatTable } from './power-cut/table.ts';
import {
  syncAfterRename,
  without,
  withoutDirectorySync,
  withoutFileSystemSync,
  withoutSync,
} from './power-cut/tampering.ts';
import { Witness } from './power-cut/witness.ts';

const seed = 1;
const enough = 100_000;
const minute = 60_000;

test(`${enough} crash states of all flows have no violation`, { timeout: 30 * minute }, async (context) => {
  const begin = performance.now();
  const names = allFlows().map(({ name }) => name);
  // Some flows have fewer states than their share, others more: together they come to a third more than is asked for.
  const found = await exploreAll(divideStates(names, enough), { seed, mostViolations: 5 });
  context.diagnostic(`\n${formatTable(found, performance.now() - begin)}`);
  const violations = found.flatMap(({ violations }) => violations);
  assert.deepEqual(violations, []);
  const states = found.reduce((sum, { states: { once, twice } }) => sum + once + twice, 0);
  assert.ok(states >= enough, `${states} crash states`);
});

/** Faults, each with the flow that has to find it. */
const faults: { fault: string; flow: string; tamper: Tamper }[] = [
  {
    fault: 'an uploaded object is not synced',
    flow: 'storage-upload',
    tamper: withoutSync(/\/objects\/[0-9a-f]{64}(\.tmp)?$/),
  },
  {
    fault: 'the directory of objects is not synced',
    flow: 'storage-upload',
    tamper: withoutDirectorySync(/\/objects$/),
  },
  { fault: 'a state is not synced', flow: 'storage-install', tamper: withoutSync(/\/\.pvr\/\.json\.tmp$/) },
  { fault: 'a commit message is not synced', flow: 'storage-install', tamper: withoutSync(/\.commitmsg\.tmp$/) },
  {
    fault: 'the progress is moved into place and then synced',
    flow: 'storage-install',
    tamper: syncAfterRename(/\.progress\.tmp$/),
  },
  {
    fault: 'the directory is not synced between the two moves of a replacement',
    flow: 'storage-replace',
    tamper: withoutDirectorySync(/\/trails\/locals$/),
  },
  {
    fault: 'an interrupted replacement is not undone',
    flow: 'storage-replace',
    tamper: without('rename', /\/\.old-[^/]+$/),
  },
  {
    fault: 'leftovers of uploads are not removed',
    flow: 'storage-upload',
    tamper: without('unlink', /\/objects\/[0-9a-f]{64}\.tmp$/),
  },
  { fault: 'the boot environment is not synced', flow: 'boot-rpiab', tamper: withoutSync(/rpiab\.txt/) },
  ...['boot-grub', 'boot-uboot'].map((flow) => ({
    fault: 'what a boot loader reads is only in the journal',
    flow,
    tamper: withoutFileSystemSync,
  })),
  { fault: 'the progress of an update is not synced', flow: 'reboot-update', tamper: withoutSync(/\.progress\.tmp$/) },
  {
    fault: 'the try mark and the rollback point are not synced',
    flow: 'reboot-update',
    tamper: withoutSync(/uboot\.txt$/),
  },
  { fault: 'the journal is never removed', flow: 'reboot-update', tamper: without('unlink', /\/update\.json$/) },
  {
    fault: 'the try mark of a failed revision is not taken away',
    flow: 'rollback-silent',
    tamper: without('overwrite', /uboot\.txt$/),
  },
];

/** Whatever is found has to come from the fault: the flow itself runs without it. */
async function proveSound(name: string): Promise<void> {
  const flow = allFlows().find((candidate) => candidate.name === name) ?? assert.fail(`there is no flow ${name}`);
  const { host, facts } = await flow.prepare();
  await flow.act(host, new Witness(facts));
}

for (const { fault, flow: name, tamper } of faults)
  test(`finds that ${fault}`, { timeout: 5 * minute }, async () => {
    await proveSound(name);
    const flow = allFlows(tamper).find((candidate) => candidate.name === name);
    assert.ok(flow !== undefined);
    const finding = explore(flow, { seed, states: 2000, outcomes: 16, mostViolations: 1 });
    const violations = await finding.then(
      ({ violations }) => violations.map(({ message }) => message),
      // Found already without a power cut: the flow does not even come to its own end.
      (error: unknown) => [String(error)],
    );
    assert.equal(violations.length, 1, 'nothing was found');
  });

test('a state can be come to again, and its story told', { timeout: minute }, async () => {
  const tamper = withoutSync(/\/objects\/[0-9a-f]{64}(\.tmp)?$/);
  const find = () => allFlows(tamper).find(({ name }) => name === 'storage-upload') ?? assert.fail();
  const { violations } = await explore(find(), { seed, states: 500, outcomes: 16, mostViolations: 1 });
  const [violation] = violations;
  assert.ok(violation !== undefined);
  const state = parseState(violation.state);
  assert.ok(state !== undefined);
  const told = await replay(find(), state.path);
  assert.equal(told.violation, violation.message);
  assert.ok(told.lines.includes('── the power goes and comes back'));
  assert.equal(formatState(state.seed, state.flow, state.path), violation.state);
});

test('names of states that are none are refused', () => {
  for (const text of ['', '1', '1/install', 'x/install/1:0', '1/install/1', '1/install/1:a', '1/install/1:0/'])
    assert.equal(parseState(text), undefined, text);
  assert.deepEqual(parseState('7/install/3:/4:1.0'), {
    seed: 7,
    flow: 'install',
    path: [
      { moment: 3, answers: [] },
      { moment: 4, answers: [1, 0] },
    ],
  });
});

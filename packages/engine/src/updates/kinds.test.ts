import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceWorld } from '../testing/device-world.ts';
import { isUpdating, revisionsInUse } from './model.ts';

/** Kinds of update, commands, and the reboots that people ask for. */
function ready(): DeviceWorld {
  const world = new DeviceWorld();
  world.rest();
  return world;
}

const idle = { remote: false, remoteAllowed: true, claimed: false, debugShell: true };

test('TRY_ONCE by reboot runs once, is UPDATED, and the next reboot returns', () => {
  const world = ready();
  world.ask('try-once', 'locals/reboot-good');
  world.rest();
  assert.equal(world.status('locals/reboot-good'), 'UPDATED Update finished, revision not set as rollback point');
  assert.equal(world.running, 'locals/reboot-good');
  assert.equal(world.disk.tried, undefined);
  world.cutPower(true);
  world.rest();
  assert.equal(world.running, '0');
  assert.equal(world.status('locals/reboot-good'), 'UPDATED Update finished, revision not set as rollback point');
  assert.equal(world.disk.journal, undefined);
});

test('TRY_ONCE in place never touches the boot environment', () => {
  const world = ready();
  world.ask('try-once', 'locals/place-good');
  world.rest();
  assert.equal(world.running, 'locals/place-good');
  assert.equal(world.disk.tried, undefined);
  world.cutPower(true);
  world.rest();
  assert.equal(world.running, '0');
});

test('LOCAL_APPLY leaves a reboot to somebody else, who then gets the trial', () => {
  const world = ready();
  world.ask('local-apply', 'locals/reboot-good');
  world.rest();
  assert.equal(world.status('locals/reboot-good'), 'INPROGRESS Update applied');
  assert.equal(world.bootCount, 1);
  assert.ok(!isUpdating(world.model.updates));
  assert.deepEqual(revisionsInUse(world.model.updates), ['0', 'locals/reboot-good']);
  world.send({ type: 'command.requested', id: 1, op: 'REBOOT_DEVICE', payload: '', context: idle });
  world.rest();
  assert.equal(world.status('locals/reboot-good'), 'DONE Update finished, revision set as rollback point');
});

test('LOCAL_APPLY in place changes what it can at once', () => {
  const world = ready();
  world.ask('local-apply', 'locals/place-good');
  world.rest();
  assert.equal(world.progress('locals/place-good')?.status, 'UPDATED');
  assert.equal(world.bootCount, 1);
});

test('a staged revision that is pushed aside is told so', () => {
  const world = ready();
  world.ask('local-apply', 'locals/reboot-good');
  world.rest();
  world.ask('local-run', 'locals/reboot-good-2');
  world.rest();
  assert.equal(world.status('locals/reboot-good'), 'WONTGO Update aborted');
  assert.equal(world.disk.committed, 'locals/reboot-good-2');
});

test('LOCAL_RUN_COMMIT reboots also where it need not', () => {
  const world = ready();
  world.ask('local-run-commit', 'locals/place-good');
  world.rest();
  assert.equal(world.bootCount, 2);
  assert.equal(world.disk.committed, 'locals/place-good');
});

test('MAKE_FACTORY from the running revision is tested before revision 0 is the rollback point', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.rest();
  world.send({ type: 'command.requested', id: 1, op: 'MAKE_FACTORY', payload: '', context: idle });
  world.asked.add('0');
  world.rest();
  assert.equal(world.disk.factory, 'locals/reboot-good');
  assert.equal(world.disk.committed, '0');
  assert.equal(world.status('0'), 'DONE Factory revision');
});

test('while the factory revision is replaced, what it is replaced by is the rollback point', () => {
  const world = ready();
  world.ask('local-run', 'locals/place-good');
  world.rest();
  assert.equal(world.disk.committed, '0');
  world.send({ type: 'command.requested', id: 1, op: 'MAKE_FACTORY', payload: '', context: idle });
  world.asked.add('0');
  world.workTo('factory.write');
  assert.equal(world.disk.factory, '0');
  assert.equal(world.disk.committed, 'locals/place-good');
  assert.equal(world.status('locals/place-good'), 'DONE Update finished, revision set as rollback point');
  world.rest();
  assert.equal(world.disk.factory, 'locals/place-good');
  assert.equal(world.disk.committed, '0');
});

test('a revision that never ran cannot replace the factory revision while that is the rollback point', () => {
  const world = ready();
  world.send({ type: 'command.requested', id: 1, op: 'MAKE_FACTORY', payload: 'locals/reboot-good', context: idle });
  const verdict = world.answers.get(1);
  assert.equal(verdict?.ok === false && verdict.code, 'factory-source-untested');
  assert.equal(world.disk.factory, '0');
});

test('an update in hand refuses a second one and a reboot; the first is untouched', () => {
  const world = ready();
  world.ask('local-run', 'locals/reboot-good');
  world.send({ type: 'command.requested', id: 1, op: 'LOCAL_RUN', payload: 'locals/other', context: idle });
  world.send({ type: 'command.requested', id: 2, op: 'REBOOT_DEVICE', payload: '', context: idle });
  for (const id of [1, 2]) {
    const verdict = world.answers.get(id);
    assert.deepEqual(verdict?.ok === false && [verdict.status, verdict.retryAfter], [503, 600]);
  }
  world.ask('local-run', 'locals/reboot-good');
  world.rest();
  assert.equal(world.status('locals/other'), 'none');
  assert.equal(world.bootCount, 2);
  assert.ok(world.reasons.some(({ code, detail }) => code === 'command-refused' && detail === 'update-ongoing'));
});

test('one command at a time is carried out by the device', () => {
  const world = ready();
  world.send({ type: 'command.requested', id: 1, op: 'RUN_GC', payload: '', context: idle });
  world.send({ type: 'command.requested', id: 2, op: 'RUN_GC', payload: '', context: idle });
  const verdict = world.answers.get(2);
  assert.deepEqual(verdict?.ok === false && [verdict.code, verdict.retryAfter], ['command-pending', 120]);
  world.send({ type: 'command.finished', id: 1 });
  world.send({ type: 'command.requested', id: 3, op: 'RUN_GC', payload: '', context: idle });
  assert.deepEqual(world.answers.get(3), { ok: true });
});

test('a reboot held by a debug shell is deferred, not dropped; DEFER_REBOOT lengthens it', () => {
  const world = ready();
  world.send({ type: 'restart.block', by: 'debug-shell', ms: 60_000 });
  world.send({ type: 'command.requested', id: 1, op: 'REBOOT_DEVICE', payload: '', context: idle });
  world.settle();
  assert.deepEqual(world.held, [['debug-shell']]);
  world.send({ type: 'command.requested', id: 2, op: 'DEFER_REBOOT', payload: '120', context: idle });
  assert.deepEqual(world.answers.get(2), { ok: true });
  assert.equal(Math.max(...world.timers.values()) - world.now, 120_000);
  assert.deepEqual(world.held.length, 2, 'who waits is told the new time');
  world.settle();
  assert.equal(world.bootCount, 1);
  world.rest();
  assert.equal(world.bootCount, 2);
});

test('a power-off waits for nothing', () => {
  const world = ready();
  world.send({ type: 'restart.block', by: 'debug-shell' });
  world.send({ type: 'command.requested', id: 1, op: 'POWEROFF_DEVICE', payload: '', context: idle });
  world.rest();
  assert.ok(world.poweredOff);
});

test('running what runs already is nothing, running the old rollback point again ends in DONE', () => {
  const world = ready();
  world.ask('local-run', '0');
  world.rest();
  assert.equal(world.status('0'), 'DONE Factory revision');
  world.ask('local-run', 'locals/place-good');
  world.rest();
  world.ask('local-run', '0');
  world.rest();
  assert.equal(world.running, '0');
  assert.equal(world.status('0'), 'DONE Factory revision');
  assert.equal(world.disk.tried, undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterRuntime, launchCommandLine, nextBoot } from './launcher.ts';

test('an armed revision is tried once, then the committed one is booted, then it is tried again', () => {
  const stored = { committed: '1', trying: '2' };
  const first = nextBoot(stored, undefined);
  assert.deepEqual(first, { revision: '2', trying: '2', tried: '2' });
  const second = nextBoot(stored, first.tried);
  const third = nextBoot(stored, second.tried);
  assert.deepEqual(second, { revision: '1', trying: '2' });
  assert.deepEqual(third, first);
  assert.deepEqual(nextBoot({ committed: '1' }, '2'), { revision: '1' });
  assert.deepEqual(nextBoot({}, undefined), { revision: '0' });
});

test('a revision that never commits is never booted twice in a row', () => {
  const action = fc.constantFrom({ arm: 'a' }, { arm: 'b' }, { clear: true }, { boot: true });
  fc.assert(
    fc.property(fc.array(action), (actions) => {
      let [trying, tried, last]: (string | undefined)[] = [];
      for (const step of actions) {
        if ('arm' in step) trying = step.arm;
        else if ('clear' in step) trying = undefined;
        else {
          const next = nextBoot({ committed: '0', ...(trying !== undefined && { trying }) }, tried);
          if (next.revision !== '0') assert.notEqual(next.revision, last);
          [tried, last] = [next.tried, next.revision];
        }
      }
    }),
  );
});

test('the runtime is told what it runs and what is tried', () => {
  assert.equal(launchCommandLine({ revision: '2', trying: '2', tried: '2' }, 'quiet'), 'pv_rev=2 pv_try=2 quiet');
  assert.equal(launchCommandLine({ revision: '1' }), 'pv_rev=1 pv_try= ');
});

test('the way the runtime ends decides what comes next', () => {
  assert.deepEqual(afterRuntime({ code: 0 }, false), { action: 'boot', crashed: false });
  assert.deepEqual(afterRuntime({ code: 3 }, false), { action: 'stop', exitCode: 0 });
  assert.deepEqual(afterRuntime({ code: 5 }, false), { action: 'stop', exitCode: 5 });
  assert.deepEqual(afterRuntime({ code: 134 }, false), { action: 'boot', crashed: true });
  assert.deepEqual(afterRuntime({ signal: 11 }, false), { action: 'boot', crashed: true });
  assert.deepEqual(afterRuntime({ signal: 15 }, true), { action: 'stop', exitCode: 0 });
});

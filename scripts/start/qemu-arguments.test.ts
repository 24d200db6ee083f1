import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readQemuArguments } from './qemu-arguments.ts';

test('the architecture is taken out of the arguments, the others are handed on', () => {
  assert.deepEqual(readQemuArguments(['--fresh']), { architecture: 'x86_64', rest: ['--fresh'] });
  const rest = ['--fresh', '--port', '0:80'];
  for (const arch of [['--arch', 'armv7'], ['--arch=armv7']])
    assert.deepEqual(readQemuArguments(['--fresh', ...arch, '--port', '0:80']), { architecture: 'armv7', rest });
});

test('an architecture that is not there, or not named, is no reason to start another one', () => {
  assert.throws(() => readQemuArguments(['--arch', 'foo']), /there is no machine foo; there are x86_64, /);
  for (const argv of [['--arch'], ['--arch=']])
    assert.throws(() => readQemuArguments(argv), /--arch wants a name: x86_64, /);
});

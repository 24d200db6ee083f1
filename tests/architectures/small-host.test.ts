/** The small host on the architectures that this machine is not, in an emulator. Building each takes minutes: a stage of its own. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { assertExhaustible, own, run } from '../../packages/small-host/src/build/testing/programs.ts';
import { type TargetName, targets } from '../../packages/small-host/src/build/toolchain.ts';

/** Checks a signature that Node made, and makes a system call whose number differs between architectures. */
function signatureProgram(target: TargetName): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const signature = sign('sha384', Buffer.from('signed'), privateKey).toString('hex');
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('hex');
  const faccessat = { x64: 269, arm64: 48, arm: 334 }[target];
  return `
    const put = (hex, at) => { const list = hex.match(/../g).map((byte) => parseInt(byte, 16)); bytes.set(list, at); return list.length; };
    const check = (text) => {
      const context = machine.hashNew(384);
      machine.hashUpdate(context, 0, machine.put(text, 0)); machine.hashFinish(context, 0);
      const keyLength = put('${key}', 1000), length = put('${signature}', 2000);
      return machine.verifySignature(1000, keyLength, 384, 0, 2000, length);
    };
    print('fits ' + check('signed'));
    print('other data ' + check('signet'));
    bytes[machine.put('/dev/null', 100) + 100] = 0;
    print('calls ' + machine.sys(${faccessat}, 2, -100, 100, 0));
    machine.turn = () => machine.exit(0);`;
}

for (const target of (Object.keys(targets) as TargetName[]).filter((name) => name !== own)) {
  test(`what is too deep or too large is a JavaScript error on ${target}`, { timeout: 600_000 }, () => {
    assertExhaustible({ target });
  });
  test(`hashes, checks a signature and knows its system calls on ${target}`, { timeout: 600_000 }, () => {
    const { lines } = run(signatureProgram(target), { target });
    assert.deepEqual(lines, ['fits 1', 'other data 0', 'calls 0']);
  });
}

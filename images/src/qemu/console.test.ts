import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MachineConsole } from './console.ts';

const silent = () => {};

test('control sequences and carriage returns are left out, however the output is cut into pieces', () => {
  const raw = '\u001b[2J\u001b[01;01HGRUB\r\n\u001b[0;37;40mloading\u001b[0m\u001bM ready\r\n';
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: raw.length }), { maxLength: 8 }), (cuts) => {
      const output = new MachineConsole(silent);
      const places = [0, ...cuts.sort((a, b) => a - b), raw.length];
      for (const [index, end] of places.entries()) if (index > 0) output.feed(raw.slice(places[index - 1], end));
      assert.equal(output.text, 'GRUB\nloading ready\n');
    }),
  );
});

test('waiting counts from a mark on and survives what came before', async () => {
  const output = new MachineConsole(silent);
  output.feed('login: ');
  const { mark } = output;
  const second = output.waitFor(/login: /, { from: mark });
  let settled = false;
  second.then(() => {
    settled = true;
  });
  await new Promise(setImmediate);
  assert.equal(settled, false);
  output.feed('wrong\nlogin: ');
  assert.equal((await second).index, 6);
});

test('what does not come is told with the last words of the console', async () => {
  const output = new MachineConsole(silent);
  output.feed('Kernel panic - not syncing\n');
  await assert.rejects(
    output.waitFor(/ready/, { seconds: 0.01 }),
    /cannot find \/ready\/ .*not within 0.01 s[\s\S]*Kernel panic/,
  );
  const waiting = output.waitFor(/ready/);
  output.end('the machine ended (reset)');
  await assert.rejects(waiting, /the machine ended \(reset\)/);
  await assert.rejects(output.waitFor(/ready/), /the machine ended \(reset\)/);
  await output.waitFor(/panic/);
});

test('keys go to the machine, and listeners hear every byte', () => {
  const keys: string[] = [];
  const heard: string[] = [];
  const output = new MachineConsole((text) => keys.push(text));
  const stop = output.listen((chunk) => heard.push(chunk));
  output.send('ls\n');
  output.feed('\u001b[0ma');
  stop();
  output.feed('b');
  assert.deepEqual([keys, heard], [['ls\n'], ['\u001b[0ma']]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MachineOptions, machineArguments } from './command-line.ts';

const plain: MachineOptions = { architecture: 'x86_64', memory: 64, boot: { kind: 'bios' } };

test('a comma in the name of a file does not begin another option', () => {
  const argv = machineArguments({ ...plain, disks: [{ file: '/tmp/a,format=qcow2', snapshot: true }] });
  assert.ok(argv.includes('if=none,id=disk0,file=/tmp/a,,format=qcow2,format=raw,snapshot=on'));
});

test('writes of a disk are noted where that is wanted', () => {
  const argv = machineArguments({ ...plain, disks: [{ file: '/tmp/a', writeLog: '/tmp/l,g' }] });
  const drive = 'if=none,id=disk0,driver=blklogwrites,file.driver=file,file.filename=/tmp/a';
  assert.ok(argv.includes(`${drive},log.driver=file,log.filename=/tmp/l,,g`));
});

test('without forwards there is no network, and hardware virtualisation is never asked for', () => {
  const argv = machineArguments(plain);
  assert.ok(!argv.includes('-netdev'));
  assert.equal(argv[argv.indexOf('-accel') + 1], 'tcg,thread=multi');
  assert.ok(argv.includes('-nodefaults'));
});

test('a QEMU that goes on after resets has a small buffer for translated code, which is emptied in time', () => {
  const argv = machineArguments({ ...plain, onReset: 'reset' });
  assert.equal(argv[argv.indexOf('-accel') + 1], 'tcg,thread=multi,tb-size=24');
});

test('a machine of 32 bits has nothing above 4 GiB, where a kernel without large addresses would not find its disks', () => {
  const argv = machineArguments({ ...plain, architecture: 'armv7' });
  assert.equal(argv[argv.indexOf('-machine') + 1], 'virt,highmem=off');
});

test('the network is asked for with the ports that lead into it', () => {
  const argv = machineArguments({
    ...plain,
    forwards: [
      { guest: 22, host: 0 },
      { guest: 80, host: 8080 },
    ],
  });
  const network = argv[argv.indexOf('-netdev') + 1];
  assert.equal(network, 'user,id=net0,hostfwd=tcp:127.0.0.1:0-:22,hostfwd=tcp:127.0.0.1:8080-:80');
});

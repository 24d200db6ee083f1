/** Storages in trouble, and machines that bring up a storage by hand: full, damaged, on a larger disk, standalone. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { test } from 'node:test';
import { probeContainer } from '../../harness/revision.ts';
import { assertShown, assertSound, readStorage, storageDisk } from '../device-image.ts';
import { machineMissing } from '../harness.ts';
import { boot, inside, powerOff, ready } from '../shell.ts';

const options = { skip: machineMissing(), timeout: 1_800_000 };

/** Prints `init <pid>` for the container's init, the process that is 1 in a namespace of its own; asks nothing of the runtime. */
const initPid =
  "for d in /proc/[0-9]*; do grep -q '^NSpid:[[:space:]][0-9]\\{1,\\}[[:space:]]1$' $d/status && echo init $(basename $d); done";

test(
  'an update on a full storage fails, the device runs on, and the update succeeds when there is room',
  options,
  async (t) => {
    const files: Record<string, string> = {};
    const disk = await storageDisk(t, [probeContainer('one', ['init'], { group: 'app' })], {
      files,
      edit: (editor) => {
        // Without a board support part nothing can be installed.
        editor.board();
        editor.object('_config/one/etc/page', 'the next page');
        files['trails/locals/next/.pvr/json'] = JSON.stringify(editor.state);
        delete editor.state['_config/one/etc/page'];
      },
    });
    const machine = await boot(t, disk);
    const { console } = machine;
    await console.waitFor(ready, { seconds: 600 });
    const fill =
      'cd /storage; dd if=/dev/zero of=fill bs=64k; dd if=/dev/zero of=fill2 bs=1k; sync; dd if=/dev/zero of=fill3 bs=1k; cd /; df /storage';
    const before = await inside(machine, `${fill} 2>/dev/null; ${initPid}`);
    assert.match(before, /100% \/storage/);
    const failed = console.mark;
    const answer = await inside(machine, 'pvcontrol cmd run locals/next');
    await console.waitFor(/(?:No space left|ENOSPC|no space)/i, { from: failed });
    const during = await inside(machine, `${initPid}; pvcontrol ls; pvcontrol cmd run locals/next`);
    const pid = /^init (\d+)$/m;
    assert.equal(pid.exec(during)?.[1], pid.exec(before)?.[1], `${answer}\n${during}`);
    assert.match(during, /one.*STARTED/);

    const freed = console.mark;
    // The next update begins once the end of this one is stored.
    await inside(machine, 'rm /storage/fill*; sync; until pvcontrol cmd run locals/next; do sleep 1; done');
    await console.waitFor(/progress\.write locals\/next: (?:UPDATED|DONE)/, { from: freed });
    assert.match(await inside(machine, `cat /proc/$(${initPid} | cut -d' ' -f2)/root/etc/page`), /the next page/);
    await powerOff(machine);
    assertSound(disk);
  },
);

test('a storage that is damaged beyond a quick repair is repaired thoroughly, and boots', options, async (t) => {
  const disk = await storageDisk(t, [probeContainer('one')], { files: { 'extra/file': 'kept by nobody' } });
  // An inode that is of no kind, in a file system that is marked as faulty.
  for (const change of ['sif /extra mode 0', 'ssv state 2'])
    execFileSync('debugfs', ['-w', '-R', change, disk], { stdio: 'ignore' });
  const machine = await boot(t, disk);
  await machine.console.waitFor(/the storage \/dev\/vda is damaged; it is being repaired/);
  await machine.console.waitFor(/the storage \/dev\/vda is repaired/);
  await machine.console.waitFor(ready, { seconds: 600 });
  await powerOff(machine);
  assertSound(disk);
});

test(
  'a standalone machine mounts nothing until somebody starts the runtime, on a storage that grows with its partition',
  options,
  async (t) => {
    const storage = await storageDisk(t, [probeContainer('one')], { megabytes: 64 });
    // The storage as the second partition of a disk with room behind it.
    const disk = `${storage}.disk`;
    execFileSync('dd', ['if=/dev/zero', `of=${disk}`, 'bs=1M', 'count=0', 'seek=67'], { stdio: 'ignore' });
    execFileSync('sfdisk', ['-q', disk], { input: 'label: gpt\nsize=1MiB\nsize=64MiB,name=root\n' });
    execFileSync('dd', [`if=${storage}`, `of=${disk}`, 'bs=1M', 'seek=2', 'conv=notrunc,sparse'], { stdio: 'ignore' });
    truncateSync(disk, 256 * 1024 * 1024);
    const machine = await boot(t, disk, 'pv_standalone');
    const { console } = machine;
    await console.waitFor(/standalone: start the runtime/);
    // What is typed before the shell listens is lost.
    await console.waitFor(/\/ # /);
    const alone = await inside(machine, 'cat /proc/mounts; ls -d /run/pantavisor/pv; cat /sys/class/block/vda2/size');
    assert.doesNotMatch(alone, / \/storage /);
    assert.match(alone, /ls: \/run\/pantavisor\/pv: No such file/);
    const from = console.mark;
    console.send('pantavisor --verbose pv_embedded &\n');
    await console.waitFor(/ready socket=/, { from });
    assertShown(console, /the partition \/dev\/vda2 reaches to the end of \/dev\/vda now/);
    const running = await inside(machine, `df -k /storage | tail -n 1; ${initPid}`);
    const [, blocks] = /^\/dev\/vda2\s+(\d+)/m.exec(running) ?? assert.fail(running);
    assert.ok(Number(blocks) > 200_000, running);
    assert.match(running, /^init \d+$/m);
    await powerOff(machine);
    const [, start = '', size = ''] =
      /start=\s*(\d+), size=\s*(\d+).*name="root"/.exec(execFileSync('sfdisk', ['-d', disk], { encoding: 'utf8' })) ??
      [];
    assert.equal(
      Number(start) + Number(size),
      (256 * 1024 * 1024) / 512 - 33,
      'it ends where the copy of the table begins',
    );
    assert.match(execFileSync('sfdisk', ['--verify', disk], { encoding: 'utf8' }), /No errors detected/);
    assert.match(readStorage(`${disk}?offset=${Number(start) * 512}`, 'trails/0/.pv/progress'), /"status":"DONE"/);

    // A device that has run may move to a larger disk, too.
    truncateSync(disk, 320 * 1024 * 1024);
    const later = await boot(t, disk);
    await later.console.waitFor(ready, { seconds: 600 });
    const larger = await inside(later, 'df -k /storage | tail -n 1');
    assert.ok(Number(/^\/dev\/vda2\s+(\d+)/m.exec(larger)?.[1]) > Number(blocks) + 50_000, larger);
    assert.doesNotMatch(later.console.text, /cannot grow/);
    await powerOff(later);
  },
);

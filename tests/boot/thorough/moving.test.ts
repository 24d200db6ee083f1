/** An update that moves an encrypted disk to another one, the Hub's credentials into a volume, and sets options of mounts, on a real kernel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultGroups } from '../../../containers/src/recipe.ts';
import { probeContainer } from '../../harness/revision.ts';
import { assertShown, assertSound, type StateEditor, storageDisk } from '../device-image.ts';
import { machineMissing } from '../harness.ts';
import { boot, inside, powerOff, ready } from '../shell.ts';

const options = { skip: machineMissing(), timeout: 1_800_000 };

const encrypted = (name: string) => ({
  name,
  type: 'dm-crypt-versatile',
  path: `/storage/dm-crypt-files/${name}/${name}.img,4,${name}_key`,
});

/** The keeper's data lie on a disk, and the policy `strict` of its own comes after that of the device. */
const keepsOn = (disk: string) => ({
  storage: { 'lxc-overlay': { persistence: 'boot' }, data: { persistence: 'permanent', disk } },
  remount: { strict: [{ '/dev': 'noexec' }], default: [{ '/dev': 'noatime' }] },
});
const remount = { strict: [{ '/.*': 'nosuid' }, { '/': 'ro' }], default: [{ '/': 'nodev' }] };

/** The state with the disk that things are moved to. @returns it as text, with the other one left in the editor */
function nextState(editor: StateEditor): string {
  editor.board();
  // On a busy machine containers may take their time.
  const groups = defaultGroups.map((group) => ({ ...group, timeout: 300 }));
  const device = { ...(editor.state['device.json'] as object), groups };
  const keeper = editor.state['keeper/run.json'] as object;
  const moved = {
    name: 'kept',
    type: 'dual',
    disks: ['new', 'old'],
    init_order: ['copy-once-to-primary', 'primary', 'create-primary'],
  };
  editor.json('device.json', {
    ...device,
    disks_v2: [encrypted('old'), encrypted('new'), moved],
    volumes: { 'pv--phconfig': { persistence: 'permanent', disk: 'kept' } },
    remount,
  });
  editor.json('keeper/run.json', { ...keeper, ...keepsOn('kept') });
  const text = JSON.stringify(editor.state);
  editor.json('device.json', { ...device, disks_v2: [encrypted('old')] });
  editor.json('keeper/run.json', keeper);
  return text;
}

test(
  'a disk moves to another one once, credentials into their volume, and mounts get the options of the policy',
  options,
  async (t) => {
    const recipe = [
      probeContainer('keeper', ['init'], { group: 'app', runJson: { storage: keepsOn('old').storage } }),
      probeContainer('other', ['init'], { group: 'app' }),
    ];
    const files: Record<string, string> = {
      'config/pantahub.config': 'PH_CREDS_HOST=hub.invalid\nPH_UPDATER_INTERVAL=77\n',
    };
    const edit = (editor: StateEditor) => {
      files['trails/locals/next/.pvr/json'] = nextState(editor);
    };
    const disk = await storageDisk(t, recipe, { files, edit, megabytes: 192 });
    const first = await boot(t, disk);
    await first.console.waitFor(ready);
    await inside(
      first,
      'cd /volumes/keeper/data; mkdir -p deep/er; echo precious > deep/er/file; ln -s file deep/er/link; chmod 640 deep/er/file; chown 7:8 deep/er/file; cd /; sync',
    );
    await inside(first, 'pvcontrol cmd run locals/next');
    assert.equal((await first.ended).reason, 'reset', first.console.text.slice(-2000));

    // A boot loader would try it like this.
    const words = 'PV_STORAGE_PHCONFIG_VOL=1 PV_UPDATER_COMMIT_DELAY=2 pv_rev=locals/next';
    const second = await boot(t, disk, `${words} pv_try=locals/next pv_remount_policy=strict`);
    await second.console.waitFor(/progress\.write locals\/next: DONE/, { seconds: 600 });
    const look =
      'ls -ln /volumes/keeper/data/deep/er; cat /volumes/keeper/data/deep/er/link; ls /storage/pv/dual; dmsetup ls';
    const seen = await inside(
      second,
      `${look}; cat /volumes/bsp/pv--phconfig/pantahub.config; pvcontrol config ls; echo new > /volumes/keeper/data/deep/er/file; sync`,
    );
    assert.match(seen, /^-rw-r----- +1 7 +8 .* file\r?$/m);
    assert.match(seen, /^precious\r?$/m);
    assert.match(seen, /^dual_new_old\.init_done\r?$/m);
    assert.match(seen, /^new\s/m);
    assert.doesNotMatch(seen, /^old\s/m, 'the disk that everything came from is closed');
    assert.match(seen, /^PH_UPDATER_INTERVAL=77\r?$/m);
    assert.match(seen, /creds\.host +hub\.invalid/);
    assertShown(second.console, /pantahub\.config goes into the volume pv--phconfig/);

    const mounts = async (container: string) => inside(second, `pventer -c ${container} cat /proc/self/mounts`);
    const [keeper, other] = [await mounts('keeper'), await mounts('other')];
    for (const text of [keeper, other]) {
      assert.match(text, /^\S+ \/ overlay ro,/m);
      assert.match(text, /^\S+ \/proc proc (?=\S*nosuid)/m);
      assert.doesNotMatch(text, /^\S+ \/dev tmpfs \S*noatime/m);
    }
    assert.match(keeper, /^\S+ \/dev tmpfs (?=\S*noexec)(?=\S*nosuid)/m);
    assert.doesNotMatch(other, /^\S+ \/dev tmpfs \S*noexec/m);
    await powerOff(second);
    assertSound(disk);

    // Moved once: what was written since then stays. Without a word the policy is the default one.
    const third = await boot(t, disk, words);
    await third.console.waitFor(ready);
    const again = await inside(third, 'cat /volumes/keeper/data/deep/er/file; pventer -c keeper cat /proc/self/mounts');
    assert.match(again, /^new\r?$/m);
    assert.match(again, /^\S+ \/ overlay rw,\S*nodev/m);
    assert.match(again, /^\S+ \/dev tmpfs \S*noatime/m);
    assert.doesNotMatch(third.console.text, /goes into the volume pv--phconfig/);
    await powerOff(third);
  },
);

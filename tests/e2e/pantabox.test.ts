/** A person and a script at a device: pantabox in the container pvr-sdk, on a terminal and without one, with real containers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pvrSdkContainer } from '../../containers/pvr-sdk/recipe.ts';
import type { ContainerRecipe } from '../../containers/src/recipe.ts';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { TerminalSession } from '../harness/terminal.ts';
import { UpdateDevice } from '../harness/update-device.ts';

const pventer = fileURLToPath(new URL('../../apps/device-tools/bin/pventer', import.meta.url));

/** A container that shows a file of the state to who looks into it. */
const note: ContainerRecipe = {
  name: 'note',
  rootfs: {
    files: {
      '/usr/bin/init': { text: '#!/bin/sh\ntrap exit PWR TERM\nwhile :; do sleep 1; done\n', executable: true },
    },
  },
  config: { '/etc/note.txt': 'first\n' },
};
const down = '\u001b[B';
const back = '\u001b';

function run(program: string, argv: string[], input = ''): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, argv, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
    child.stdin!.end(input);
  });
}

test('a person at the device changes a file on screens, and scripts go on', {
  skip: await skipWithoutContainers(),
  timeout: 120_000,
}, async (t) => {
  const sdk: ContainerRecipe = { ...pvrSdkContainer({ port: 0 }), group: 'app' };
  const device = await UpdateDevice.install(t, [sdk, note], { commitDelay: 0 });
  const { socket } = device.device;
  const inside = (command: string) => run(pventer, ['-s', socket, '-c', 'pvr-sdk', command]);
  const shown = async () => (await inside('pantabox edit-config note /etc/note.txt --print')).stdout;
  const running = async () => JSON.parse((await inside('pantabox-goto --json')).stdout).running as string;

  const line = `${pventer} -s ${socket} -c pvr-sdk 'TERM=xterm EDITOR="sed -i s/first/second/" pantabox'`;
  const session = new TerminalSession(t, line, {});
  await session.until(/Pantabox .*0 DONE[\s\S]*> view/);
  session.press('\r');
  await session.until(/Revision 0 [\s\S]*note +app +STARTED[\s\S]*pvr-sdk +app +STARTED/);
  session.press(back);
  await session.until(/> view/);
  session.press('edit-c\r');
  await session.until(/Configuration of which container\?[\s\S]*> note +1/);
  session.press('\r');
  await session.until(/Configuration of note[\s\S]*> +\/etc\/note\.txt/);
  session.press('\r');
  await session.until(/\* \/etc\/note\.txt[\s\S]*s save/);
  session.press('s');
  await session.until(/Message for this revision/);
  session.press('by hand\r');
  await session.until(/Run it now\?[\s\S]*\[ Yes \]/);
  session.press('\r');
  await session.until(/Done [\s\S]*locals\/pbox-\d+: UPDATED/);
  session.press('\r');
  await session.until(/> edit-config/);
  assert.match(await running(), /^locals\/pbox-/);
  assert.equal(await shown(), 'second\n');
  // What a person wants is asked for, and what is lost for good is not what Enter does.
  session.press('reb\r');
  await session.until(/Restart the device\?[\s\S]*\[ No \]/);
  session.press('\r');
  await session.until(/> reboot/);
  session.press('goto\r');
  await session.until(/Go to which revision\?[\s\S]*> \* locals\/pbox-\d+ +UPDATED[\s\S]*by hand[\s\S]*0 +DONE/);
  session.press(`${down}\r`);
  await session.until(/Run 0\?/);
  session.press('\r');
  await session.until(/Done [\s\S]*0: (DONE|UPDATED)/);
  assert.equal(await running(), '0');
  session.press('\u0003');
  assert.equal(await session.exited, 0);
  // The terminal is given back as it was.
  assert.ok(session.written.trimEnd().endsWith('\u001b[?1049l'), JSON.stringify(session.written.slice(-60)));
  assert.equal(await shown(), 'first\n');

  await t.test('a revision that does not hold: the device goes back, and says why to who asks then', async () => {
    const broken = await inside(
      'pantabox edit note lxc.container.conf --print | sed "s#^lxc.init.cmd.*#lxc.init.cmd = /no/such#" | pantabox edit note lxc.container.conf --from - --name locals/broken',
    );
    // The way back ends all containers, this one too.
    assert.notEqual(broken.code, 0);
    await device.run.exited;
    device.startAgain();
    await device.run.ready();
    const why = await inside('pantabox goto locals/broken --why');
    assert.match(why.stdout, /^locals\/broken: ERROR\nA container could not be started\n\nBecause:\n[\s\S]*\/no\/such/);
    assert.equal(await running(), '0');
    const later = new TerminalSession(t, line, {});
    await later.until(/locals\/broken did not hold: A container could not be started/);
    later.press('q');
    assert.equal(await later.exited, 0);
  });

  await t.test('metadata, keys, the password, and what is wrong', async () => {
    const key = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'b'.repeat(43)} me@laptop`;
    const lines = [
      'pantabox edit-usermeta note.colour=green',
      'cat /pantavisor/user-meta/note.colour && echo',
      `echo "${key}" | pantabox edit-sshkeys --add -`,
      'cat /pantavisor/user-meta/pvr-sdk.authorized_keys',
      'echo "a new password" | pantabox chpasswd root',
      'for file in /etc/shadow /var/pvr-sdk/shadow; do cut -c1-8 $file; stat -c %a $file; done',
      'pantabox veiw; echo $?',
      'pantabox-install nginx:latest; echo $?',
      'pantabox-goremove --json; echo $?',
    ];
    const { stdout, stderr } = await inside(lines.join('\n'));
    assert.deepEqual(stdout.split('\n'), [
      'note.colour: green',
      'green',
      '1  me@laptop  ssh-ed25519  ...bbbbbbbbbbbb',
      key,
      'the password of root is changed',
      ...['root:$6$', '600', 'root:$6$', '600'],
      ...['3', '3', '3', ''],
    ]);
    assert.match(stderr, /did you mean 'pantabox view'\?/);
    assert.match(stderr, /pvr app add --from nginx:latest nginx/);
    // A device without a hub cannot go back to it.
    assert.match(stderr, /"remote-disabled".*PV_CONTROL_REMOTE/);
  });
});

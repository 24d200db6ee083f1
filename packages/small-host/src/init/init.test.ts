/** PID 1 with real supervisors that behave badly, in a pid namespace of its own, with the address sanitizer looking on. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { compileDriver } from './compiled.ts';

const folder = mkdtempSync(join(tmpdir(), 'init-'));
let driver = '';
let bomb = '';
before(() => {
  driver = compileDriver(folder, 'init-driver.c', ['init.c', 'init-plan.c', 'init-early.c', 'init-down.c']);
  bomb = compileDriver(folder, 'fork-bomb.c', [], false);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const namespaces = ['--pid', '--fork', '--kill-child', '--mount', '--propagation', 'private'];
const mayUnshare = spawnSync('unshare', [...namespaces, 'true']).status === 0;
if (!mayUnshare && process.env.CI) throw new Error('namespaces are missing, and on CI nothing may be skipped');
const options = { skip: mayUnshare ? false : 'needs root for namespaces', timeout: 120_000, concurrency: true };

/** How the kernel ends the first process of a pid namespace that calls reboot(2). */
const restarted = 'SIGHUP';
const switchedOff = 'SIGINT';

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}`, { mode: 0o755 });
  return path;
}

function start(supervisor: string, prefix: readonly string[] = []) {
  const [program = '', ...argv] = [...prefix, 'unshare', ...namespaces, driver, supervisor];
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const ended = once(child, 'close').then(([code, signal]) => ({ end: signal ?? code, said }));
  return { child, ended, said: () => said };
}

describe('PID 1', options, () => {
  test('starts a supervisor that crashes again, and restarts the machine when it keeps crashing', async () => {
    const notes = join(folder, 'crashes');
    const { end, said } = await start(script('crash', `echo start >> ${notes}\nkill -SEGV $$\n`)).ended;
    assert.equal(end, restarted, said);
    assert.equal(readFileSync(notes, 'utf8'), 'start\n'.repeat(5));
    assert.match(said, /pantavisor: the runtime was ended by signal 11\n/);
    assert.match(said, /pantavisor: the runtime has ended 5 times within minutes: the machine restarts\n/);
  });

  test('one that cannot be started at all is a death, too', async () => {
    const { end, said } = await start(join(folder, 'nowhere')).ended;
    assert.equal(end, restarted, said);
    assert.match(said, /the runtime has ended with code 127/);
  });

  test('kills one that hangs and starts it again', async () => {
    const notes = join(folder, 'hangs');
    const text = `[ -e ${notes} ] && exit 3\n: > ${notes}\nprintf 'patience 300' >&$PANTAVISOR_INIT\nexec sleep 1000\n`;
    const { end, said } = await start(script('hang', text)).ended;
    assert.equal(end, switchedOff, said);
    assert.match(said, /pantavisor: the runtime gives no sign of life: it is started again\n/);
  });

  test('what it has started lives on when it dies', async () => {
    const [notes, pids] = [join(folder, 'lives'), join(folder, 'lives.pid')];
    const text = `if [ -e ${notes} ]; then kill -0 $(cat ${pids}) && exit 3; exit 0; fi
: > ${notes}
setsid sleep 1000 & echo $! > ${pids}
exit 70
`;
    const { end, said } = await start(script('lives-on', text)).ended;
    assert.equal(end, switchedOff, said);
  });

  test('reaps orphans, however many there are', async () => {
    const text = `i=0
while [ $i -lt 60 ]; do (sleep 0.01 & sleep 0.02 &) ; i=$((i+1)); done
while grep -qs '^State:.*Z' /proc/[0-9]*/status; do sleep 0.05; done
exit 3
`;
    const { end, said } = await start(script('orphans', text)).ended;
    assert.equal(end, switchedOff, said);
  });

  test('ends one that forks wildly, and all it has forked', async (t) => {
    const group = `/sys/fs/cgroup/pids/init-test-${process.pid}`;
    if (!existsSync('/sys/fs/cgroup/pids')) {
      if (process.env.CI) throw new Error('the control group pids is missing, and on CI nothing may be skipped');
      return t.skip('needs the control group pids to keep the bomb in');
    }
    mkdirSync(group);
    try {
      writeFileSync(`${group}/pids.max`, '200');
      const prefix = ['sh', '-c', `echo $$ > ${group}/cgroup.procs; exec "$@"`, 'sh'];
      const { end, said } = await start(bomb, prefix).ended;
      assert.equal(end, switchedOff, said);
      while (readFileSync(`${group}/cgroup.procs`, 'utf8') !== '') await pause(20);
    } finally {
      rmdirSync(group);
    }
  });

  for (const [signal, forwarded, code, expected] of [
    ['SIGTERM', 'TERM', 0, restarted],
    ['SIGUSR2', 'INT', 3, switchedOff],
  ] as const)
    test(`${signal} asks the supervisor to stop everything`, async () => {
      const text = `trap 'echo heard; exit ${code}' ${forwarded}\necho up\nwhile :; do sleep 0.05; done\n`;
      const run = start(script(`asked-${forwarded}`, text));
      while (!run.said().includes('up')) await pause(20);
      const init = Number(readFileSync(`/proc/${run.child.pid}/task/${run.child.pid}/children`, 'utf8').trim());
      process.kill(init, signal);
      const { end, said } = await run.ended;
      assert.match(said, /heard/);
      assert.equal(end, expected, said);
    });

  test('tells why there is no watchdog, and what it cannot understand', async () => {
    const ask = (message: string) =>
      `printf '${message}' >&$PANTAVISOR_INIT\ndd bs=256 count=1 status=none <&$PANTAVISOR_INIT; echo\n`;
    const text = `${ask('watchdog 15 /nowhere/watchdog')}${ask(`watchdog 15 ${folder}/regular`)}printf nonsense >&$PANTAVISOR_INIT\nsleep 0.3\nexit 3\n`;
    writeFileSync(join(folder, 'regular'), '');
    const { end, said } = await start(script('watchdog', text)).ended;
    assert.equal(end, switchedOff, said);
    assert.match(said, /^watchdog -2$/m);
    assert.match(said, /^watchdog -25$/m);
    assert.match(said, /cannot understand what the runtime says: nonsense/);
  });
});

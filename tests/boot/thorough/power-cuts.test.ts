/** The plug is pulled at random moments of updates; the device boots each time, on the old revision or the new one, and is whole. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { probeContainer } from '../../harness/revision.ts';
import { otherRuntime } from '../bsp.ts';
import { machineMissing } from '../harness.ts';
import { ImageDevice } from '../image-device.ts';

/** `POWER_CUTS` in the environment asks for another number. */
const cuts = Number(process.env.POWER_CUTS ?? 30);
/** From the begin of the upload on; an update with a reboot takes about so long on a quiet machine. */
const longest = 30_000;

test(`a device survives ${cuts} cuts of its power during updates`, {
  skip: machineMissing(),
  timeout: 4 * 3600_000,
}, async (t) => {
  const device = await ImageDevice.create(t, {
    containers: [probeContainer('app', ['init'], { group: 'app' })],
    seconds: 3600,
  });
  const factory = await device.factory();
  const runtimes = [await otherRuntime(device, {}), await otherRuntime(device, { PV_LOG_LEVEL: '5' })];
  const fates = new Map<string, number>();
  let committed = '0';
  for (let cut = 0; cut <= cuts; cut += 1) {
    await device.start(t);
    await device.ready();
    const running = device.booted.at(-1) ?? '';
    const steps = await device.control.steps();
    const known = steps.find(({ name }) => name === running);
    assert.ok(known, `${running} is not among the revisions of the device`);
    // Whatever was going on, it has come to an end or goes on by itself; then the device can take the next one.
    for (const { name, progress } of steps)
      if (name === running && 'status' in progress && progress.status !== 'DONE')
        await device.outcome(name, 0).catch(() => undefined);
    const stored = String(await device.file('/boot/grubenv'));
    committed = /^pv_rev=(.*)$/m.exec(stored)?.[1] ?? '';
    assert.ok(
      running === committed || new RegExp(`^pv_try=${running}$`, 'm').test(stored),
      `${running} runs, but ${stored}`,
    );
    if (cut === cuts) break;
    const name = `locals/cut-${cut}`;
    const runtime = cut % 2 === 0 ? { 'bsp/pantavisor': runtimes[(cut / 2) % 2] } : {};
    const files = device.revision(`cut-${cut}`, factory, {
      '_config/app/etc/page': Buffer.from(`page ${cut}`),
      ...runtime,
    });
    const moment = randomInt(longest);
    const update = device.run(name, files).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, moment));
    await device.machine.kill();
    await update;
    const progress = String(await device.file(`/trails/${name}/.pv/progress`));
    const fate = /"status":"(\w+)"/.exec(progress)?.[1] ?? 'not begun';
    fates.set(fate, (fates.get(fate) ?? 0) + 1);
    t.diagnostic(`cut ${cut} after ${moment} ms of ${name}: ${fate}; it ran ${running}`);
  }
  t.diagnostic(
    `cut while the update was: ${[...fates].map(([fate, count]) => `${fate} ${count}`).join(', ')}; committed in the end: ${committed}`,
  );
  await device.control.command('POWEROFF_DEVICE');
  assert.equal((await device.machine.ended).reason, 'power-off');
  const { offset = 0 } = device.account.partitions.find(({ name }) => name === 'root') ?? {};
  execFileSync('e2fsck', ['-fn', `${device.disk}?offset=${offset}`], { stdio: 'pipe' });
});

/**
 * The plug is pulled at random moments of updates, and the disk loses of what it was not told to flush nothing, some, or everything. The device boots each
 * time, on the old revision or the new one, and is whole. `POWER_CUTS` asks for another number of cuts, `POWER_CUTS_SEED` for the moments of an earlier
 * run.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { probeContainer, type RevisionFiles } from '../harness/revision.ts';
import { seededRandom } from '../harness/seeded-random.ts';
import { otherRuntime } from './bsp.ts';
import { type DeviceRequest, ImageDevice } from './image-device.ts';
import { assertWhole, bootState } from './whole.ts';
import type { Loss } from './write-log.ts';

const seed = Number(process.env.POWER_CUTS_SEED ?? randomInt(2 ** 31));

/** A stretch of an update, from a line of the console to another one; the first begins with the upload. */
interface Stretch {
  name: string;
  begin: (revision: string) => RegExp;
}

const withReboot: readonly Stretch[] = [
  { name: 'upload', begin: () => /^/ },
  { name: 'arming', begin: () => /reboot because/ },
  { name: 'stopping', begin: (revision) => new RegExp(`reboot into ${revision}`) },
  { name: 'boot loader', begin: () => /restarting the machine/ },
  { name: 'kernel', begin: (revision) => new RegExp(`boot: revision ${revision}\\n`) },
  { name: 'trial', begin: (revision) => new RegExp(`\\[boot\\] revision ${revision}`) },
  { name: 'commit', begin: (revision) => new RegExp(`progress\\.write ${revision}: TESTING`) },
];
const inPlace: readonly Stretch[] = [{ name: 'in place', begin: () => /^/ }];
const outcome = (revision: string) => new RegExp(`progress\\.write ${revision}: (DONE|UPDATED|ERROR|WONTGO) (.*)\\n`);
/** How many of the cuts are in a stretch, compared with others; those in which the disk decides get more. */
const weights: Record<string, number> = { arming: 2, stopping: 2, commit: 2 };

class Cutter {
  readonly #device: ImageDevice;
  readonly #factory: Record<string, unknown>;
  readonly #runtimes: Uint8Array[];
  readonly #random: () => number;
  /** How each revision differs from the factory's. */
  readonly #changes = new Map<string, Record<string, unknown>>();
  /** Longest time that a stretch has taken so far, in ms. */
  readonly #lengths = new Map<string, number>();
  #count = 0;

  constructor(device: ImageDevice, factory: Record<string, unknown>, runtimes: Uint8Array[], random: () => number) {
    this.#device = device;
    this.#factory = factory;
    this.#runtimes = runtimes;
    this.#random = random;
  }

  /** A revision like the one that runs: only a container differs, or the runtime, too. */
  #next(running: string, reboot: boolean): { name: string; files: RevisionFiles } {
    this.#count += 1;
    const name = `cut-${this.#count}`;
    const board = { 'bsp/pantavisor': this.#runtimes[this.#count % 2], 'bsp/note': Buffer.from(`of ${name}`) };
    const changes = {
      ...this.#changes.get(running),
      '_config/app/etc/page': Buffer.from(`page ${this.#count}`),
      ...(reboot ? board : {}),
    };
    this.#changes.set(`locals/${name}`, changes);
    return { name: `locals/${name}`, files: this.#device.revision(name, this.#factory, changes) };
  }

  /** One update without a cut, to learn how long its stretches take. @returns its revision */
  async rehearse(running: string, stretches: readonly Stretch[]): Promise<string> {
    const { name, files } = this.#next(running, stretches === withReboot);
    const { console } = this.#device.machine;
    const from = console.mark;
    const watched = stretches.map(async (stretch) => {
      await console.waitFor(stretch.begin(name), { from, seconds: 900 });
      return performance.now();
    });
    await this.#device.run(name, files);
    const [, status, message] = await console.waitFor(outcome(name), { from, seconds: 900 });
    const end = performance.now();
    assert.ok(isDone(status ?? ''), `${name}: ${status} ${message}`);
    const times = [...(await Promise.all(watched)), end];
    for (const [index, stretch] of stretches.entries())
      this.#lengths.set(stretch.name, times[index + 1]! - times[index]!);
    return name;
  }

  /** Cuts the power in an update. @returns the revision, and a word about the moment */
  async cut(running: string): Promise<{ name: string; moment: string }> {
    const all = [...withReboot, ...inPlace].flatMap((one) => Array<Stretch>(weights[one.name] ?? 1).fill(one));
    const stretch = all[Math.floor(this.#random() * all.length)]!;
    const delay = this.#random() * 1.2 * (this.#lengths.get(stretch.name) ?? 0);
    const loss = (['nothing', 'some', 'everything'] as const)[Math.floor(this.#random() * 3)]! satisfies Loss;
    const { name, files } = this.#next(running, stretch !== inPlace[0]);
    const { console } = this.#device.machine;
    const from = console.mark;
    const update = this.#device.run(name, files).catch(() => undefined);
    await Promise.race([
      console.waitFor(stretch.begin(name), { from, seconds: 900 }),
      console.waitFor(outcome(name), { from, seconds: 900 }).then(([line]) => assert.fail(`${name}, not cut: ${line}`)),
    ]);
    await new Promise((resolve) => setTimeout(resolve, delay));
    const { lost, volatile } = await this.#device.cutPower(loss, this.#random);
    await update;
    return {
      name,
      moment: `${Math.round(delay)} ms into ${stretch.name}, ${lost} of ${volatile} writes lost`,
    };
  }
}

const isDone = (status: string) => status === 'DONE' || status === 'UPDATED';
/** What a start of the runtime makes of what it finds: after these words it goes on with an update, after those it restarts the machine. */
const goesOn = /install again|first boot of the tried|the trial goes on/;
const restarts = /must not run|booted again in the middle/;

/**
 * Waits until nothing is going on any more after a boot.
 * @returns the revision that runs, and the status of the one that was being installed
 */
async function settled(device: ImageDevice, name: string): Promise<{ running: string; status: string }> {
  const { console } = device.machine;
  let from = 0;
  for (;;) {
    const line = /\[engine\] (\S+): (.+); running (\S+), pv_rev .*\n/;
    const found = await console.waitFor(line, { from, seconds: 900 });
    const [all, subject = '', verdict = ''] = found;
    let [, , , running = ''] = found;
    from += found.index + all.length;
    if (restarts.test(verdict)) continue;
    if (goesOn.test(verdict)) {
      const { status, message } = await device.outcome(subject, from);
      assert.ok(isDone(status), `${subject} does not hold after a cut: ${status} ${message}`);
      running = subject;
    }
    await console.waitFor(/pantavisor: ready socket=/, {
      from: console.text.lastIndexOf('boot: revision'),
      seconds: 900,
    });
    const progress = (await device.control.steps()).find((step) => step.name === name)?.progress;
    return { running, status: progress !== undefined && 'status' in progress ? progress.status : 'none' };
  }
}

/**
 * Cuts the power of one device again and again.
 * @param count of cuts, where the environment does not ask for another
 */
export async function survivesPowerCuts(t: TestContext, request: Partial<DeviceRequest>, count: number): Promise<void> {
  t.diagnostic(`POWER_CUTS_SEED=${seed} brings the same moments`);
  const device = await ImageDevice.create(t, {
    ...request,
    containers: [probeContainer('app', ['init'], { group: 'app' })],
    seconds: 3600,
    losesWrites: true,
  });
  const runtimes = [await otherRuntime(device, {}), await otherRuntime(device, { PV_LOG_LEVEL: '5' })];
  const cutter = new Cutter(device, await device.factory(), runtimes, seededRandom(seed));
  await device.start(t);
  await device.ready();
  const first = await cutter.rehearse('0', inPlace);
  const fates = new Map<string, number>();
  let { running, status } = { running: await cutter.rehearse(first, withReboot), status: 'DONE' };
  for (let index = 0; index < Number(process.env.POWER_CUTS ?? count); index += 1) {
    // A revision that was updated in place is no rollback point before it has booted.
    const before = status === 'UPDATED' ? [running, (await bootState(device)).committed] : [running];
    const { name, moment } = await cutter.cut(running);
    const where = `cut ${index}, ${moment}, ${name}`;
    await assertWhole(device, where);
    await device.start(t);
    ({ running, status } = await settled(device, name));
    const { committed, tried } = await bootState(device);
    assert.ok((isDone(status) ? [name] : before).includes(running), `${where}: ${status}, but ${running} runs`);
    assert.equal(status === 'UPDATED' ? tried : committed, running, `${where}: ${status}`);
    fates.set(status, (fates.get(status) ?? 0) + 1);
    t.diagnostic(`${where}: ${status}`);
  }
  t.diagnostic(`what came of the updates: ${[...fates].map(([fate, times]) => `${fate} ${times}`).join(', ')}`);
  await device.control.command('POWEROFF_DEVICE');
  assert.equal((await device.machine.ended).reason, 'power-off');
  device.assertNoted();
  await assertWhole(device, 'in the end');
}

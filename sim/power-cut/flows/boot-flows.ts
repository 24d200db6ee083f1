/** Flows of the boot environments: each kind of boot loader through an update that holds and one that does not. */

import { nextBoot } from '../../../apps/device/src/bootenv/launcher.ts';
import type { StoredBoot } from '../../../apps/device/src/bootenv/port.ts';
import type { BootFixture } from '../../../apps/device/src/bootenv/testing/boot-environment.ts';
import {
  grubFixture,
  rpiabFixture,
  ubootAbFixture,
  ubootFixture,
} from '../../../apps/device/src/bootenv/testing/boot-fixtures.ts';
import type { MemoryHost, MemoryHostOptions } from '../../../apps/device/src/host/memory/host.ts';
import { replayed } from '../../../apps/device/src/host/memory/random.ts';
import { type Flow, quick, type Tamper, untouched } from '../flow.ts';
import { must, type Witness } from '../witness.ts';

interface Loader {
  name: string;
  about: string;
  fixture(options: MemoryHostOptions): Promise<BootFixture>;
  /** The firmware forgets with the power that it was to try. */
  forgets?: boolean;
}

const loaders: Loader[] = [
  { name: 'boot-uboot', about: 'the environment of U-Boot in a file', fixture: ubootFixture },
  { name: 'boot-grub', about: "GRUB's environment block", fixture: grubFixture },
  {
    name: 'boot-uboot-ab',
    about: 'two copies of the environment with counters, two images in flash',
    fixture: (options) => ubootAbFixture('counter', options),
  },
  {
    name: 'boot-uboot-ab-nor',
    about: 'the same with active marks',
    fixture: (options) => ubootAbFixture('active', options),
  },
  { name: 'boot-rpiab', about: 'two partitions of a Raspberry Pi', fixture: rpiabFixture, forgets: true },
];

/** Revisions of the flow in their order, and whether they hold. */
const updates = [
  ['1', true],
  ['2', false],
  ['3', true],
] as const;

function bootFlow({ name, about, fixture, forgets = false }: Loader, tamper: Tamper): Flow {
  let prepared: Promise<BootFixture> | undefined;
  const open = (tools: BootFixture, host: MemoryHost, boot: 'normal' | 'trial') =>
    tools.open({ ...host, files: tamper(host.files) }, boot);

  async function makePrepared(): Promise<BootFixture> {
    const tools = await fixture(quick);
    // What the boot loader reads from the storage is prepared in the update.
    if (tools.asLoader === undefined)
      for (const [revision] of updates) await tools.prepare(tools.host, revision, `image ${revision}`);
    tools.host.machine.switchOff('poweroff');
    return tools;
  }

  /** What the boot loader starts would be the revision's own image. */
  async function checkImage(tools: BootFixture, host: MemoryHost, revision: string): Promise<void> {
    const image = await tools.image(host, revision).catch((error: Error) => error.message);
    must(image === `image ${revision}`, `the image of ${revision} is ${image}`);
  }

  /** Installs, arms, boots and ends an update as an engine would. */
  async function update(tools: BootFixture, host: MemoryHost, witness: Witness, revision: string, holds: boolean) {
    const running = open(tools, host, 'normal');
    await running.read();
    if (tools.asLoader !== undefined) await tools.prepare(host, revision, `image ${revision}`);
    await running.install(revision, `/storage/trails/${revision}/.pv`);
    witness.learn('arming', revision);
    await running.armTry(revision);
    witness.learn('armed', revision);
    const trial = open(tools, host, 'trial');
    const found = await trial.read();
    must(found.trying === revision, `${revision} was armed, and the boot tries ${found.trying}`);
    await checkImage(tools, host, revision);
    await end(tools, host, witness, revision, holds);
  }

  async function end(tools: BootFixture, host: MemoryHost, witness: Witness, revision: string, holds: boolean) {
    const trial = open(tools, host, 'trial');
    await trial.read();
    if (holds) {
      witness.learn('committing', revision);
      await trial.commit(revision);
      witness.learn('committed', revision);
    } else {
      // The failed trial reboots with its mark; the boot that follows takes it away.
      const back = open(tools, host, 'normal');
      await back.read();
      await back.clearTry();
    }
    witness.forget('arming');
    witness.forget('armed');
    witness.forget('committing');
  }

  /** What the boot loader itself finds can be started, and is what was stored as soon as that was reported. */
  async function checkSeen(tools: BootFixture, host: MemoryHost, witness: Witness, stored: StoredBoot) {
    const seen = await tools.asLoader?.(host);
    if (seen === undefined) return;
    await checkImage(tools, host, seen.committed ?? '0');
    if (seen.trying !== undefined) await checkImage(tools, host, seen.trying);
    const isSettled = witness.knows('committing') || !witness.knows('armed') || seen.trying === stored.trying;
    must(isSettled, `${stored.trying} is armed, and the boot loader finds ${seen.trying}`);
    const committed = witness.value('committed');
    const { committed: found = '0' } = seen;
    must(
      witness.knows('committing') || found === (committed ?? '0'),
      `${committed} was committed, and ${found} is found`,
    );
  }

  async function judge(tools: BootFixture, host: MemoryHost, witness: Witness) {
    const stored = await open(tools, host, 'normal').read();
    const { committed = '0', trying } = stored;
    const allowed = [witness.value('committed') ?? '0', witness.value('committing')];
    must(allowed.includes(committed), `the rollback point is ${committed}, and should be one of ${allowed}`);
    must(trying === undefined || trying === witness.value('arming'), `${trying} is armed, and nobody asked for it`);
    await checkImage(tools, host, committed);
    if (trying !== undefined) await checkImage(tools, host, trying);
    await checkSeen(tools, host, witness, stored);
    const armed = witness.value('armed');
    const settled = witness.knows('committing') || armed === undefined || updates.some(([r, ok]) => r === armed && !ok);
    must(settled || trying === armed, `${armed} was armed, and ${trying} is`);
    return stored;
  }

  return {
    name,
    about,
    prepare: async () => {
      prepared ??= makePrepared();
      return { host: (await prepared).host.crash({ choose: replayed([]) }), facts: new Map() };
    },
    act: async (host, witness) => {
      const tools = await (prepared ?? makePrepared());
      for (const [revision, holds] of updates) await host.runFor(update(tools, host, witness, revision, holds));
      await host.runFor(judge(tools, host, witness));
    },
    recover: async (survivor, witness) => {
      const tools = await (prepared ?? makePrepared());
      await survivor.runFor(
        (async () => {
          const stored = await judge(tools, survivor, witness);
          const { revision, trying } = nextBoot(stored, undefined);
          if (trying !== undefined && forgets) {
            witness.forget('armed');
            await open(tools, survivor, 'normal').clearTry();
          } else if (trying !== undefined) {
            must(revision === trying, `${trying} is armed, and ${revision} is booted`);
            const holds = updates.some(([other, ok]) => other === trying && ok);
            await end(tools, survivor, witness, trying, holds);
          } else if (stored.committed !== undefined && stored.committed === witness.value('committing'))
            witness.learn('committed', stored.committed);
          for (const fact of ['arming', 'armed', 'committing']) witness.forget(fact);
          const at = updates.findIndex(([other]) => other === (witness.value('committed') ?? '0'));
          for (const [next, holds] of updates.slice(at + 1)) await update(tools, survivor, witness, next, holds);
          const rest = await judge(tools, survivor, witness);
          must(rest.committed === '3' && rest.trying === undefined, `it rests at ${JSON.stringify(rest)}`);
        })(),
      );
    },
  };
}

/** All flows of boot environments. @param tamper faults to put into the program */
export function bootFlows(tamper: Tamper = untouched): Flow[] {
  return loaders.map((loader) => bootFlow(loader, tamper));
}

/** The two systems of the boot benchmark: the same containers in each, started, updated with a restart, and made to go back. */
import { mkdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { diskOf } from '@pantavisor/images/images';
import { Machine, type MachineOptions } from '@pantavisor/images/qemu';
import { gatewayContainer } from '../../containers/gateway/recipe.ts';
import { networkContainer } from '../../containers/network/recipe.ts';
import type { ContainerRecipe } from '../../containers/src/recipe.ts';
import { watch } from '../../tests/boot/harness.ts';
import { ImageDevice } from '../../tests/boot/image-device.ts';
import type { Lifetime } from '../../tests/harness/cleanup.ts';
import { probeContainer } from '../../tests/harness/revision.ts';
import { measureStart, patience, type Start, webOf, webPort } from './boot-start.ts';
import { type DebianDisk, debianDisk, referenceSays } from './debian-disk.ts';
import { debianSystem } from './debian-system.ts';
import type { WebWatch } from './web-watch.ts';

/** What a device did with new revisions, seconds; those without an answer are seen from outside. */
export interface Changes {
  /** From the request to the commit, without the commit delay. */
  update: number;
  downtime: number;
  panic: number;
  container: number;
}

/** Seconds from a revision's goals to its commit, of the devices that are measured. */
export const commitDelay = 2;

const processors = 1;

/** Network, control socket, web server and probes, as many as are wanted. The first probe is of a group that starts nothing a second time. */
function containers(count: number): { usual: ContainerRecipe[]; own: ContainerRecipe[] } {
  const probes = Array.from({ length: count - 3 }, (_, index) =>
    probeContainer(`app${index}`, ['init'], { group: index === 0 ? 'platform' : 'app' }),
  );
  return { usual: [networkContainer(), gatewayContainer()], own: [webOf('first'), ...probes] };
}

/** A device with this runtime. */
export class DeviceSystem {
  readonly device: ImageDevice;
  readonly #life: Lifetime;

  private constructor(device: ImageDevice, life: Lifetime) {
    this.device = device;
    this.#life = life;
  }

  static async make(life: Lifetime, count: number, memory: number): Promise<DeviceSystem> {
    const device = await ImageDevice.create(life, {
      containers: containers(count).own,
      memory,
      ports: [webPort],
      compression: 'best',
      config: { PV_UPDATER_COMMIT_DELAY: `${commitDelay}` },
      seconds: patience * 4,
    });
    return new DeviceSystem(device, life);
  }

  /** Bytes in use of the disk as it is made. */
  get used(): number {
    return statSync(this.device.disk).blocks * 512;
  }

  /** Bytes of a member of the factory state. */
  size(member: string): number {
    const found = this.device.account.entries.find(({ place, name }) => place === 'state' && name === member);
    if (found === undefined) throw new Error(`cannot find ${member} in the account of the image`);
    return found.size ?? 0;
  }

  async start(): Promise<{ start: Start; watch: WebWatch }> {
    const poweredOn = performance.now();
    return measureStart(await this.device.start(this.#life), poweredOn, {
      runtime: /pantavisor: \[boot\] revision/,
      first: /pantavisor: \[containers\] \S+ STARTING -> STARTED/,
      all: /pantavisor: ready socket=/,
    });
  }

  /** A good revision, then two that do not hold. */
  async change(watch: WebWatch): Promise<Changes> {
    const { device } = this;
    const factory = await device.factory();
    const good = {
      '_config/web/etc/version': Buffer.from('next'),
      'bsp/extra': Buffer.from('what belongs to the board is changed by a restart'),
    };
    const files = device.revision('next', factory, good);
    await device.upload('locals/next', files);
    const asked = performance.now();
    const { mark } = device.machine.console;
    await device.control.command('LOCAL_RUN', 'locals/next');
    const outcome = await device.outcome('locals/next', mark);
    if (outcome.status !== 'DONE') throw new Error(`cannot measure: the update ended as ${outcome.status}`);
    const update = (performance.now() - asked) / 1000 - commitDelay;
    const back = await watch.answered('next', asked, patience);
    const downtime = (back - watch.last('first', back)) / 1000;
    const panic = await this.#fail('panic', watch, { ...good, 'bsp/pantavisor': Buffer.from('no initramfs at all') });
    const container = await this.#fail('container', watch, {
      ...good,
      'bsp/extra': Buffer.from('another change of the board'),
      'app0/lxc.container.conf': Buffer.from('lxc.init.cmd = /nothing\nlxc.rootfs.path = dir:/nowhere\n'),
    });
    return { update, downtime, panic, container };
  }

  /** How long nobody answers as the committed revision does, seconds. */
  async #fail(name: string, watch: WebWatch, changes: Record<string, unknown>): Promise<number> {
    const { device } = this;
    const files = device.revision(name, await device.factory(), {
      ...changes,
      '_config/web/etc/version': Buffer.from('bad'),
    });
    await device.upload(`locals/${name}`, files);
    const { mark, text } = device.machine.console;
    const asked = performance.now();
    await device.control.command('LOCAL_RUN', `locals/${name}`);
    const outcome = await device.outcome(`locals/${name}`, mark);
    if (outcome.status !== 'ERROR') throw new Error(`cannot measure: a bad revision ended as ${outcome.status}`);
    await device.machine.console.waitFor(/boot: revision locals\/next\n[\s\S]*pantavisor: ready socket=/, {
      from: text.length,
      seconds: patience,
    });
    await watch.answered('next', performance.now(), patience);
    return watch.gap('next', asked) / 1000;
  }
}

/** Debian's minimal system. */
export class ReferenceSystem {
  readonly #life: Lifetime;
  readonly #memory: number;
  readonly #file: string;
  readonly #disk: string;
  readonly used: number;
  /** Bytes of the initramfs. */
  readonly initrd: number;

  private constructor(life: Lifetime, memory: number, disk: DebianDisk, initrd: number) {
    this.#life = life;
    this.#memory = memory;
    this.#file = disk.file;
    this.#disk = `${disk.file}.run`;
    this.used = disk.used;
    this.initrd = initrd;
  }

  static async make(
    life: Lifetime,
    count: number,
    memory: number,
    { cache, folder, say }: { cache: string; folder: string; say: (line: string) => void },
  ): Promise<ReferenceSystem> {
    const system = await debianSystem(cache, say);
    const { usual, own } = containers(count);
    mkdirSync(folder, { recursive: true });
    const disk = await debianDisk(system, [...usual, ...own], webOf('next'), folder);
    return new ReferenceSystem(life, memory, disk, system.initrd.length);
  }

  async start(): Promise<{ start: Start; watch: WebWatch; machine: Machine }> {
    await rm(this.#disk, { force: true });
    await diskOf(this.#file, this.#disk);
    const poweredOn = performance.now();
    const machine = await this.#powerOn();
    const measured = await measureStart(machine, poweredOn, {
      runtime: /systemd\[1\]: systemd \d+/,
      first: new RegExp(referenceSays.started),
      all: new RegExp(referenceSays.all),
    });
    return { ...measured, machine };
  }

  /** As with the device, a reset ends QEMU and another one takes its place. */
  async #powerOn(): Promise<Machine> {
    const options: MachineOptions = {
      architecture: 'x86_64',
      memory: this.#memory,
      processors,
      boot: { kind: 'bios' },
      disks: [{ file: this.#disk }],
      forwards: [{ host: 0, guest: webPort }],
    };
    const machine = await Machine.start(options, { seconds: patience * 2 }, async () => options);
    watch(this.#life, machine);
    return machine;
  }

  /** Replaces files of a container and restarts; everything ends with that. @returns seconds without an answer */
  async change(machine: Machine, web: WebWatch): Promise<number> {
    const asked = performance.now();
    machine.console.send('update\n');
    const back = await web.answered('next', asked, patience);
    await machine.kill();
    return (back - web.last('first', back)) / 1000;
  }
}

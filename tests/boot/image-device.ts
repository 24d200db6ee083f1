/** Devices from images as pv-image makes them: built, booted by their boot loader, updated, cut off, and looked into. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { ControlClient } from '@pantavisor/ctrl-api/client';
import {
  buildImage,
  diskOf,
  type Firmware,
  type ImageAccount,
  ImageMachine,
  readRecipe,
  readStorageFile,
  type StoragePlace,
} from '@pantavisor/images/images';
import type { Machine, MachineArchitecture } from '@pantavisor/images/qemu';
import { gatewayContainer, gatewayPort } from '../../containers/gateway/recipe.ts';
import { networkContainer } from '../../containers/network/recipe.ts';
import { type ContainerRecipe, defaultGroups } from '../../containers/src/recipe.ts';
import { writeRepository } from '../../scripts/start/demo-repository.ts';
import { atEnd, type Lifetime, temporaryDirectory } from '../harness/cleanup.ts';
import type { RevisionFiles } from '../harness/revision.ts';
import { imageCache, watch } from './harness.ts';
import { cutPower, type Loss, readWriteLog } from './write-log.ts';

export interface DeviceRequest {
  architecture?: MachineArchitecture;
  loader?: 'grub' | 'u-boot' | 'none';
  /** Beside those for the network and for the control socket. */
  containers: ContainerRecipe[];
  config?: Record<string, string>;
  hub?: Record<string, string>;
  firmware?: Firmware;
  /** TCP ports of the machine that are reached by `device.machine.port`, beside that of the control socket. */
  ports?: number[];
  /** More members of the recipe. */
  recipe?: Record<string, unknown>;
  /** Default `fast`. */
  compression?: 'best' | 'fast';
  /** How the image comes to the machine. @returns the file that is written onto its disk; default: the image itself */
  delivery?: (image: string) => Promise<string>;
  /** In MiB. */
  memory?: number;
  /** Hard limit of one start of QEMU in seconds. */
  seconds?: number;
  /** Whether `cutPower` is wanted. */
  losesWrites?: boolean;
}

/** Quick decisions, so that a test need not wait for what a fleet would. */
const testConfig = {
  PV_UPDATER_COMMIT_DELAY: '2',
  PV_LOG_LEVEL: '4',
  PV_DEBUG_SHELL: '0',
};
const testHub = { PH_UPDATER_INTERVAL: '1', PH_METADATA_DEVMETA_INTERVAL: '2' };

/** The usual groups, whose containers are stable or given up after a moment, but may take their time to start on a busy machine. */
const groups = defaultGroups.map((group) => ({
  ...group,
  timeout: 300,
  ...(group.auto_recovery && {
    auto_recovery: { ...group.auto_recovery, stable_timeout: 2, retry_delay: 1, max_retries: 2 },
  }),
}));

/** What ends an update (updates.md §2). */
export type Outcome = 'DONE' | 'UPDATED' | 'ERROR' | 'WONTGO';

type Members = Record<string, unknown>;

export class ImageDevice {
  readonly account: ImageAccount;
  readonly disk: string;
  readonly control: ControlClient;
  /** Keys of /etc/pantavisor.config that the image has beside the usual ones. */
  readonly config: Record<string, string>;
  readonly #runner: ImageMachine;
  readonly #work: string;
  /** The disk as it was when the machine was started, and what was written to it since, if `cutPower` is wanted. */
  readonly #before: { disk: string; writes: string } | undefined;
  #machine: Machine | undefined;
  /** Text of consoles of machines that are gone. */
  #past = '';

  private constructor(
    account: ImageAccount,
    disk: string,
    runner: ImageMachine,
    work: string,
    config: Record<string, string>,
    before: { disk: string; writes: string } | undefined,
  ) {
    this.#before = before;
    this.config = config;
    this.account = account;
    this.disk = disk;
    this.#runner = runner;
    this.#work = work;
    this.control = new ControlClient(join(work, 'pv-ctrl'), { timeout: 240_000 });
  }

  /** Builds the image; the machine is not started yet. */
  static async create(t: Lifetime, request: DeviceRequest): Promise<ImageDevice> {
    const { architecture = 'x86_64', loader, containers, config, hub, firmware, memory = 256, seconds = 900 } = request;
    const { delivery = async (image) => image, ports = [], compression = 'fast' } = request;
    const work = temporaryDirectory(t);
    const before = request.losesWrites ? { disk: join(work, 'before'), writes: join(work, 'writes') } : undefined;
    const every = [networkContainer(), gatewayContainer(), ...containers];
    const parts = [await writeRepository(join(work, 'parts'), every, architecture, groups)];
    const { recipe, problems } = readRecipe(
      JSON.stringify({
        '#spec': 'pantavisor-image@1',
        name: `test-${architecture}`,
        architecture,
        ...(loader === undefined ? {} : { loader }),
        parts,
        config: { ...testConfig, ...config },
        ...(hub === undefined ? {} : { hub: { ...testHub, ...hub } }),
        storage: { size: '256M' },
        compression,
        // With two, QEMU 7.2 may stay for ever where the kernel patches its code on one while the other runs it.
        machine: { memory, processors: 1 },
        ...request.recipe,
      }),
      join(work, 'recipe.json'),
    );
    assert.ok(recipe, JSON.stringify(problems));
    const image = join(work, 'image');
    const account = await buildImage(recipe, { image, cache: imageCache, say: () => {} });
    const disk = join(work, 'disk');
    await diskOf(await delivery(image), disk);
    const forwards = [gatewayPort, ...ports].map((guest) => ({ host: 0, guest }));
    const options = { ...(firmware && { firmware }), ...(before && { writeLog: before.writes }) };
    const runner = await ImageMachine.prepare({ disk, account, ...options, forwards, seconds });
    const type = account.loader === 'grub' ? 'grub' : 'uboot';
    const all = { PV_BOOTLOADER_TYPE: type, ...testConfig, ...config };
    const device = new ImageDevice(account, disk, runner, work, all, before);
    atEnd(t, () => runner.close());
    await device.#relay(t);
    return device;
  }

  /** A Unix socket that leads to the container `gateway` of whatever machine runs. */
  async #relay(t: Lifetime): Promise<void> {
    const server = createServer((client) => {
      client.on('error', () => client.destroy());
      this.machine.port(gatewayPort).then(
        (port) => {
          const remote = connect(port, '127.0.0.1');
          remote.on('error', () => client.destroy());
          client.on('close', () => remote.destroy());
          remote.on('close', () => client.destroy());
          client.pipe(remote).pipe(client);
        },
        () => client.destroy(),
      );
    });
    await new Promise<void>((resolve) => server.listen(join(this.#work, 'pv-ctrl'), resolve));
    atEnd(t, () => void server.close());
  }

  get machine(): Machine {
    if (this.#machine === undefined) throw new Error('cannot use the machine: it was not started');
    return this.#machine;
  }

  /** Everything that any machine of the device has printed. */
  get text(): string {
    return this.#past + (this.#machine?.console.text ?? '');
  }

  async start(t: Lifetime): Promise<Machine> {
    if (this.#before !== undefined) {
      execFileSync('cp', ['--sparse=always', this.disk, this.#before.disk]);
      writeFileSync(this.#before.writes, '');
    }
    const machine = await this.#runner.start();
    this.#past += this.#machine?.console.text ?? '';
    this.#machine = machine;
    watch(t, machine);
    return machine;
  }

  /**
   * Pulls the plug; of what the disk was not told to flush, it loses as much as `loss` says.
   * @returns how many writes were lost, of how many that could have been
   */
  async cutPower(loss: Loss, random: () => number): Promise<{ lost: number; volatile: number }> {
    if (this.#before === undefined) throw new Error('cannot cut the power: the device was not made with losesWrites');
    await this.machine.kill();
    const { disk, writes } = this.#before;
    const result = cutPower(disk, readWriteLog(writes), loss, random);
    renameSync(disk, this.disk);
    return result;
  }

  /** Fails unless the writes that were noted make the disk what it is; for a machine that ended in order. */
  assertNoted(): void {
    if (this.#before === undefined) throw new Error('nothing was noted: the device was not made with losesWrites');
    const { disk, writes } = this.#before;
    cutPower(disk, readWriteLog(writes), 'nothing', () => 0);
    execFileSync('cmp', [disk, this.disk], { stdio: 'pipe' });
  }

  /** Waits until all goals of the revision that runs are met. */
  async ready(from = 0): Promise<void> {
    await this.machine.console.waitFor(/pantavisor: ready socket=/, { from, seconds: 600 });
  }

  /** Waits for the end of an update, as the device tells it on its console. */
  async outcome(revision: string, from: number): Promise<{ status: Outcome; message: string }> {
    const name = revision.replace(/[/.]/g, '\\$&');
    const pattern = new RegExp(`progress\\.write ${name}: (DONE|UPDATED|ERROR|WONTGO) (.*)\\n`);
    const [, status, message] = await this.machine.console.waitFor(pattern, { from, seconds: 600 });
    return { status: status as Outcome, message: message ?? '' };
  }

  /** Revisions that boot loaders have started so far, in order. */
  get booted(): string[] {
    return [...this.text.matchAll(/boot: revision (\S+)$/gm)].map(([, revision]) => revision ?? '');
  }

  /** Where the storage lies. */
  get storage(): StoragePlace {
    const { offset = 0 } = this.account.partitions.find(({ name }) => name === 'root') ?? {};
    return { image: this.disk, offset };
  }

  async file(path: string): Promise<Buffer | undefined> {
    return readStorageFile(this.storage, path);
  }

  /** The factory state's members, from the disk. */
  async factory(): Promise<Members> {
    return JSON.parse(String(await this.file('/trails/0/.pvr/json'))) as Members;
  }

  /** Objects of the factory state in a folder, for a hub that has none yet. */
  factoryObjects(): string {
    const { image, offset } = this.storage;
    const folder = join(this.#work, 'factory');
    mkdirSync(folder, { recursive: true });
    execFileSync('debugfs', ['-R', `rdump /objects ${folder}`, `${image}?offset=${offset}`], { stdio: 'ignore' });
    return join(folder, 'objects');
  }

  /**
   * Writes a revision: members of another one, some of them changed. Bytes become objects, everything else a member as it is; `undefined` takes
   * a member away.
   * @param objects folder of objects; new ones are added
   */
  revision(
    name: string,
    base: Members,
    changes: Record<string, unknown>,
    objects = join(this.#work, 'objects'),
  ): RevisionFiles {
    mkdirSync(objects, { recursive: true });
    const members: Members = { ...base };
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) delete members[key];
      else if (value instanceof Uint8Array) {
        const id = createHash('sha256').update(value).digest('hex');
        writeFileSync(join(objects, id), value);
        members[key] = id;
      } else members[key] = value;
    }
    const state = join(this.#work, `${name}.json`);
    const sorted = Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(state, JSON.stringify(sorted));
    const ids = Object.entries(sorted).filter(
      (member): member is [string, string] => typeof member[1] === 'string' && member[0] !== '#spec',
    );
    return { state, objects, ids: Object.fromEntries(ids) };
  }

  /** Uploads a revision through the control socket; objects that the device has are left out. */
  async upload(revision: string, { state, objects, ids }: RevisionFiles): Promise<void> {
    const there = new Set((await this.control.objects()).map(({ sha256 }) => sha256));
    for (const id of new Set(Object.values(ids)))
      if (!there.has(id)) await this.control.putObject(id, readFileSync(join(objects, id)));
    await this.control.putStep(revision, readFileSync(state, 'utf8'));
  }

  /** Uploads and runs a revision. @returns the place in the console from which on its outcome is to be looked for */
  async run(revision: string, files: RevisionFiles): Promise<number> {
    await this.upload(revision, files);
    const { mark } = this.machine.console;
    await this.control.command('LOCAL_RUN', revision);
    return mark;
  }
}

/** A real device under update: revisions uploaded through its control socket, and runtimes started again as a launcher does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import type { CommandOperation, ProgressJson } from '@pantavisor/ctrl-api';
import { afterRuntime, launchCommandLine, nextBoot } from '../../apps/device/src/bootenv/launcher.ts';
import type { ContainerRecipe, RevisionRecipe } from '../../containers/src/recipe.ts';
import { temporaryDirectory } from './cleanup.ts';
import { type DeviceRun, TestDevice } from './device.ts';
import { type RevisionFiles, writeRevision } from './revision.ts';

/** One group, whose containers may be changed in place; goals have to be reached fast. */
const groups = [{ name: 'app', status_goal: 'STARTED', restart_policy: 'container', timeout: 4 }] as const;

/** Who starts the runtime again: something that only starts it, or a launcher that names the revision. */
export type Starter = 'service' | 'launcher';

export interface UpdateOptions {
  /** Default: service. */
  starter?: Starter;
  /** Default: a directory that goes with the test. */
  storage?: string;
  /** Seconds; default 1. */
  commitDelay?: number;
}

export class UpdateDevice {
  readonly device: TestDevice;
  readonly #work: string;
  readonly #starter: Starter;
  /** What the launcher tried last. */
  #tried: string | undefined;
  /** The runtime that was asked for an update last, and how much it had said by then. */
  #asked: { run: DeviceRun; from: number } | undefined;
  run: DeviceRun;

  private constructor(t: TestContext, files: RevisionFiles, work: string, options: UpdateOptions) {
    const { starter = 'service', storage, commitDelay = 1 } = options;
    this.device = new TestDevice(t, storage, { PV_UPDATER_COMMIT_DELAY: String(commitDelay), PV_LOG_LEVEL: '4' });
    this.#work = work;
    this.#starter = starter;
    this.run = this.device.start(files, starter === 'launcher' ? ['--cmdline', 'pv_rev=0 pv_try= '] : []);
  }

  /** A device that runs revision 0, made of these containers. */
  static async install(
    t: TestContext,
    containers: ContainerRecipe[],
    options: UpdateOptions = {},
  ): Promise<UpdateDevice> {
    const work = temporaryDirectory(t);
    const files = await writeRevision(work, UpdateDevice.recipe(containers), 'initial');
    const device = new UpdateDevice(t, files, work, options);
    await device.run.ready();
    return device;
  }

  static recipe(containers: ContainerRecipe[], extra: Record<string, unknown> = {}): RevisionRecipe {
    return { containers: containers.map((one) => ({ group: 'app', ...one })), groups: [...groups], extra };
  }

  /** Builds a revision and uploads its objects and its state. */
  async store(
    name: string,
    containers: ContainerRecipe[],
    extra: Record<string, unknown> = {},
  ): Promise<RevisionFiles> {
    const files = await this.build(name, containers, extra);
    for (const id of new Set(Object.values(files.ids))) {
      const { status, body } = await this.device.request(
        'PUT',
        `/objects/${id}`,
        await readFile(`${files.objects}/${id}`),
      );
      assert.equal(status, 200, `${id}: ${body}`);
    }
    const { status, body } = await this.device.request('PUT', `/steps/${name}`, readFileSync(files.state));
    assert.equal(status, 200, body);
    return files;
  }

  build(name: string, containers: ContainerRecipe[], extra: Record<string, unknown> = {}): Promise<RevisionFiles> {
    return writeRevision(this.#work, UpdateDevice.recipe(containers, extra), name.replace('/', '-'));
  }

  /** Gives a command. @returns status of the answer */
  async command(op: CommandOperation, payload = ''): Promise<number> {
    if (payload !== '') this.#asked = { run: this.run, from: this.run.lines.length };
    return (await this.device.request('POST', '/commands', JSON.stringify({ op, payload }))).status;
  }

  /** As stored, which counts also while no runtime runs. */
  progress(name: string): ProgressJson {
    return JSON.parse(readFileSync(`${this.device.storage}/trails/${name}/.pv/progress`, 'utf8'));
  }

  /** Codes of the reasons that are stored beside the progress. */
  reasons(name: string): string[] {
    const text = readFileSync(`${this.device.storage}/trails/${name}/.pv/reasons`, 'utf8');
    return (JSON.parse(text) as { code: string }[]).map(({ code }) => code);
  }

  /** Waits until the update to a revision has ended in the running runtime. */
  ended(name: string, from = 0): Promise<string> {
    return this.run.line(new RegExp(`the update to ${name} has ended`), from);
  }

  /**
   * Starts runtimes as long as they end, until the update to a revision has come to its end and the device is ready.
   * @returns how many were started
   */
  async rest(name: string): Promise<number> {
    for (let count = 0; count < 6; count += 1) {
      const { run } = this;
      const [exit] = await Promise.race([run.exited.then((found) => [found]), this.#atRest(name).then(() => [])]);
      if (exit === undefined) return count;
      assert.ok(exit.signal !== null || exit.code === 0, `exit code ${exit.code}:\n${run.lines.slice(-20).join('\n')}`);
      this.startAgain(exit.signal === null ? { code: 0 } : { signal: 9 });
    }
    throw new Error(`the device finds no rest:\n${this.run.lines.slice(-40).join('\n')}`);
  }

  /** Whether an update is in hand, as its plan on disk says; a runtime that died before it wrote one has forgotten the command. */
  #isUpdating(): boolean {
    try {
      const { stage } = JSON.parse(readFileSync(`${this.device.storage}/update.json`, 'utf8'));
      return stage === 'installing' || stage === 'trying';
    } catch {
      return false;
    }
  }

  /** Never ends when the runtime ends before. */
  async #atRest(name: string): Promise<void> {
    try {
      await this.run.ready();
      const { run, from } = this.#asked ?? {};
      if (run === this.run || this.#isUpdating()) await this.ended(name, run === this.run ? from : 0);
    } catch {
      await new Promise<never>(() => {});
    }
  }

  /** Starts the next runtime after one that has ended. */
  startAgain(exit: { code: number } | { signal: number } = { code: 0 }): void {
    if (this.#starter === 'service') {
      this.run = this.device.start();
      return;
    }
    assert.equal(afterRuntime(exit, false).action, 'boot');
    const next = nextBoot(this.#stored(), this.#tried);
    this.#tried = next.tried;
    this.run = this.device.start(undefined, ['--cmdline', launchCommandLine(next)]);
  }

  /** What the launcher reads of the boot environment. */
  #stored(): { committed?: string; trying?: string } {
    const text = readFileSync(`${this.device.storage}/boot/uboot.txt`, 'latin1');
    const entries = new Map(text.split('\0').map((entry) => entry.split('=', 2) as [string, string | undefined]));
    const [committed, trying] = [entries.get('pv_rev'), entries.get('pv_try')];
    return { ...(committed ? { committed } : {}), ...(trying ? { trying } : {}) };
  }
}

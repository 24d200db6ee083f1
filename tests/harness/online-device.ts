/** A real device on a real hub, with the runtimes that run on it one after the other. */
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { canonicalValue } from '@pantavisor/state';
import type { ContainerRecipe, RevisionRecipe } from '../../containers/src/recipe.ts';
import { temporaryDirectory } from './cleanup.ts';
import { type DeviceRun, TestDevice } from './device.ts';
import { HubAccount, type Report } from './hub-account.ts';
import { probeContainer, type RevisionFiles, writeRevision } from './revision.ts';
import { UpdateDevice } from './update-device.ts';

/** Two containers; the text of one of them can be told apart. */
export const withWeb = (page: string, more: Partial<ContainerRecipe> = {}): ContainerRecipe[] => [
  probeContainer('web', ['init'], { config: { '/etc/page': page }, ...more }),
  probeContainer('db'),
];

export class OnlineDevice {
  readonly device: TestDevice;
  readonly account: HubAccount;
  readonly #work: string;
  run: DeviceRun;

  private constructor(account: HubAccount, device: TestDevice, work: string, run: DeviceRun) {
    this.account = account;
    this.device = device;
    this.#work = work;
    this.run = run;
  }

  /** A device that has joined and waits for steps; as {@link begin}. */
  static async install(...what: Parameters<typeof OnlineDevice.begin>): Promise<OnlineDevice> {
    const online = await OnlineDevice.begin(...what);
    await online.joined();
    return online;
  }

  /**
   * A device that runs its first revision, and is about to join.
   * @param more configuration; may depend on the hub, and may name another way to it
   * @param hub the one to join, or settings of a new one
   */
  static async begin(
    t: TestContext,
    more: Record<string, string> | ((account: HubAccount) => Promise<Record<string, string>>) = {},
    hub: Record<string, string> | HubAccount = {},
    recipe: RevisionRecipe = UpdateDevice.recipe(withWeb('first')),
  ): Promise<OnlineDevice> {
    const account = hub instanceof HubAccount ? hub : await HubAccount.open(t, hub);
    const own = typeof more === 'function' ? await more(account) : more;
    const work = temporaryDirectory(t);
    const files = await writeRevision(work, recipe, 'initial');
    // As pvr writes it and a hub stores it: what is only written in another way would count as changed.
    writeFileSync(files.state, canonicalValue(JSON.parse(readFileSync(files.state, 'utf8'))));
    const device = new TestDevice(t, undefined, {
      PV_CONTROL_REMOTE: '1',
      PH_CREDS_HOST: 'http://127.0.0.1',
      PH_CREDS_PORT: account.port,
      PH_FACTORY_AUTOTOK: await account.joinToken(),
      PH_UPDATER_INTERVAL: '1',
      PH_METADATA_DEVMETA_INTERVAL: '1',
      PH_METADATA_USRMETA_INTERVAL: '1',
      PV_UPDATER_COMMIT_DELAY: '1',
      PV_LOG_LEVEL: '4',
      ...own,
    });
    const online = new OnlineDevice(account, device, work, device.start(files));
    await online.run.ready();
    return online;
  }

  /** Waits until the hub has its first revision, and it asks for steps. */
  async joined(): Promise<void> {
    await this.run.line(/Hub client goes from .* to idle/);
  }

  /** What the hub knows it by. */
  get id(): string {
    return readFileSync(`${this.device.base}/pv/device-id`, 'utf8').trim();
  }

  /** Posts a revision made of these containers. */
  async post(id: string, name: string, recipe: ContainerRecipe[] | RevisionRecipe): Promise<string> {
    return this.account.post(id, await this.build(name, recipe));
  }

  build(name: string, recipe: ContainerRecipe[] | RevisionRecipe): Promise<RevisionFiles> {
    return writeRevision(this.#work, Array.isArray(recipe) ? UpdateDevice.recipe(recipe) : recipe, name);
  }

  /** The end of a step as the hub knows it; runtimes that end on the way are started again. */
  async ended(id: string, revision: string): Promise<Report> {
    const end = this.account.ended(id, revision);
    let isOver = false;
    const restart = async () => {
      for (;;) {
        const { run } = this;
        await run.exited;
        if (isOver) return;
        this.run = this.device.start();
      }
    };
    void restart();
    const report = await end;
    isOver = true;
    if (this.run.ended) this.run = this.device.start();
    return report;
  }

  async page(): Promise<string> {
    const { pid } = await this.device.container('web');
    return readFileSync(`/proc/${pid}/root/etc/page`, 'utf8');
  }

  get running(): string {
    return readlinkSync(`${this.device.storage}/trails/current`);
  }
}

/** A hub with somebody in it and devices of theirs that say over the API what real ones say. */
import type { TestContext } from 'node:test';
import { atEnd } from '../../harness/cleanup.ts';
import { World } from '../../hub/support/world.ts';

type State = Record<string, unknown>;
type Owner = Awaited<ReturnType<World['person']>>;

const appState = (name: string, image: string, root: string, more: State = {}): State => ({
  [`${name}/run.json`]: {
    '#spec': 'service-manifest-run@1',
    config: 'lxc.container.conf',
    name,
    'root-volume': 'root.squashfs',
    type: 'lxc',
    group: 'app',
    ...more,
  },
  [`${name}/src.json`]: {
    '#spec': 'service-manifest-src@1',
    docker_name: image.split(':')[0],
    docker_tag: image.split(':')[1],
    docker_digest: 'sha256:d3d73c0aa11',
  },
  [`${name}/lxc.container.conf`]: root.replace('root', 'conf'),
  [`${name}/root.squashfs`]: root,
});

/** A device that its test speaks for. */
export class LabDevice {
  readonly world: World;
  readonly owner: Owner;
  readonly id: string;
  readonly nick: string;
  readonly token: string;

  constructor(world: World, owner: Owner, { id, nick, token }: { id: string; nick: string; token: string }) {
    this.world = world;
    this.owner = owner;
    this.id = id;
    this.nick = nick;
    this.token = token;
  }

  /** Uploads what a state of two apps is made of, and gives the state. */
  async state(version: number, { web = {} }: { web?: State } = {}): Promise<State> {
    const { owner, world } = this;
    const conf = await world.upload(owner.token, 'lxc.rootfs.path = overlay\n', 'lxc.container.conf');
    const root = async (name: string, text: string) =>
      world.upload(owner.token, Buffer.from(`hsqs\0${name} ${text}`.repeat(4000)), 'root.squashfs');
    const page = await world.upload(owner.token, `title = Version ${version}\ncolour = blue\nport = 80\n`, 'app.conf');
    const apps = {
      ...appState('web', 'nginx:latest', await root('web', String(version)), web),
      ...appState('db', 'postgres:16', await root('db', 'same')),
    };
    for (const name of ['web', 'db']) apps[`${name}/lxc.container.conf`] = conf;
    return { '#spec': 'pantavisor-service-system@1', ...apps, '_config/web/etc/app.conf': page };
  }

  /** Sends the factory revision. */
  async begin(): Promise<void> {
    await this.world.must('POST', '/trails/', { token: this.token, body: await this.state(0) });
    await this.world.must('PUT', `/devices/${this.id}/device-meta`, {
      token: this.token,
      body: {
        'pantavisor.version': '026-7-gabc1234',
        'pantavisor.arch': 'aarch64/64/EL',
        'pantavisor.revision': '0',
        'pantavisor.dtmodel': 'Raspberry Pi 4 Model B Rev 1.4',
        storage: { total: 31_268_536_320, free: 21_268_536_320, real_free: 21_268_536_320, reserved: 0 },
        interfaces: { 'eth0.ipv4': ['192.168.1.7'], 'lo.ipv4': ['127.0.0.1'] },
      },
    });
  }

  async post(state: State, message: string): Promise<number> {
    const step = await this.world.must('POST', `/trails/${this.id}/steps`, {
      token: this.owner.token,
      body: { rev: -1, 'commit-msg': message, state },
    });
    return Number(step.rev);
  }

  /** Reports progress as a device does. */
  async report(rev: number, status: string, progress: number, message = '', objects: object[] = []): Promise<void> {
    const total = { start_time: 1, current_time: 2, total_size: 3_000_000, total_downloaded: 1_000_000 };
    await this.world.must('PUT', `/trails/${this.id}/steps/${rev}/progress`, {
      token: this.token,
      body: { status, progress, 'status-msg': message, downloads: { total, objects } },
    });
  }

  /** Sends lines of log. */
  async log(lines: { msg: string; lvl?: string; plat?: string; src?: string }[]): Promise<void> {
    const body = lines.map(({ msg, lvl = 'INFO', plat = 'web', src = 'console' }, index) => ({
      tsec: 1_700_000_000 + index,
      tnano: index * 1_000_000,
      rev: '0',
      plat,
      src,
      lvl,
      msg,
    }));
    await this.world.must('POST', '/logs/', { token: this.token, body });
  }
}

/** A hub with an account `ada` (password `password`). */
export async function openLab(t: TestContext): Promise<{ world: World; owner: Owner; device(): Promise<LabDevice> }> {
  const world = await World.start({});
  atEnd(t, () => world.stop());
  const owner = await world.person('ada');
  return { world, owner, device: async () => new LabDevice(world, owner, await world.device(owner)) };
}

/** What starts the program of a simulated device again and again, and chooses the revision as the app engine's launcher does. */
import { launchCommandLine, nextBoot } from '../../apps/device/src/bootenv/launcher.ts';
import { fileBlockStore, ubootEnvironment } from '../../apps/device/src/bootenv/uboot.ts';
import type { MemoryHost } from '../../apps/device/src/host/memory/host.ts';
import { storageLayout } from '../../apps/device/src/storage/layout.ts';

const storage = '/data';
/** Where a simulated device keeps what; its log is on a tmpfs. */
export const layout = storageLayout({ storage, logs: '/run/logs' });

/** Where the objects and the state of the first revision are. */
const factory = '/in';
/** Arguments of the first start of a device, which gets its first revision by it. */
export const factoryArguments = ['--state', `${factory}/state.json`, '--objects', `${factory}/objects`];

/** Puts the first revision of a device on its disk, for {@link factoryArguments}. */
export async function putFactory(
  { files }: MemoryHost,
  { state, objects }: { state: string; objects: ReadonlyMap<string, Uint8Array> },
): Promise<void> {
  for (const directory of [factory, `${factory}/objects`, storage]) await files.makeDirectory(directory);
  await files.write(`${factory}/state.json`, state);
  for (const [id, content] of objects) await files.write(`${factory}/objects/${id}`, content);
  await files.syncFileSystem('/');
}

/** A launcher; what it remembers is in memory, so it is made anew when the power goes. */
export class Launcher {
  #tried: string | undefined;

  /** Reads the boot environment of a device. @returns what its next boot runs, and the program's arguments for it */
  async choose({ files, text }: MemoryHost): Promise<{ revision: string; arguments: string[] }> {
    const store = fileBlockStore(files, `${layout.boot}/uboot.txt`);
    const next = nextBoot(await ubootEnvironment({ store, text }).read(), this.#tried);
    this.#tried = next.tried;
    return { revision: next.revision, arguments: ['--cmdline', launchCommandLine(next)] };
  }
}

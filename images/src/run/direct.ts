/**
 * Booting an image without a boot loader: this side reads the boot environment, chooses the revision and hands its kernel and initramfs
 * to QEMU, by the rules of a boot script (updates.md §6.1).
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineBoot } from '../qemu/command-line.ts';
import { extractFile, readStorageFile, type StoragePlace } from './storage.ts';

/** Variables of `boot/uboot.txt`, of which readers look at the first 1024 bytes. */
export function parseBootState(block: Uint8Array): Map<string, string> {
  const values = new Map<string, string>();
  for (const entry of Buffer.from(block.subarray(0, 1024)).toString('latin1').split('\0')) {
    const cut = entry.indexOf('=');
    if (cut > 0 && !values.has(entry.slice(0, cut))) values.set(entry.slice(0, cut), entry.slice(cut + 1));
  }
  return values;
}

/** What is booted next; `tried` is to be given to the next call. */
export function chooseRevision(
  stored: ReadonlyMap<string, string>,
  tried: string,
): { revision: string; tried: string; attempt: string } {
  const committed = stored.get('pv_rev') || '0';
  const attempt = stored.get('pv_try') ?? '';
  if (attempt === '' || attempt === tried) return { revision: committed, tried: '', attempt };
  return { revision: attempt, tried: attempt, attempt };
}

export class DirectLoader {
  readonly #place: StoragePlace;
  readonly #folder: string;
  readonly #arguments: string;
  #tried = '';

  /**
   * @param place of the storage
   * @param folder for kernel and initramfs of a boot
   * @param kernelArguments of the machine
   */
  constructor(place: StoragePlace, folder: string, kernelArguments: string) {
    this.#place = place;
    this.#folder = folder;
    this.#arguments = kernelArguments;
  }

  /**
   * Chooses and fetches what to boot. A revision whose files cannot be found is passed over for the committed one.
   * @throws Error when there is nothing to boot
   */
  async next(): Promise<MachineBoot & { kind: 'kernel' }> {
    const stored = parseBootState((await readStorageFile(this.#place, '/boot/uboot.txt')) ?? new Uint8Array());
    const { revision, tried, attempt } = chooseRevision(stored, this.#tried);
    this.#tried = tried;
    const committed = stored.get('pv_rev') || '0';
    for (const candidate of new Set([revision, committed])) {
      const boot = await this.#fetch(candidate, attempt);
      if (boot !== undefined) return boot;
    }
    throw new Error(`cannot boot ${this.#place.image}: revision ${committed} has no kernel or initramfs`);
  }

  async #fetch(revision: string, attempt: string): Promise<(MachineBoot & { kind: 'kernel' }) | undefined> {
    const files = `/trails/${revision}/.pv`;
    const [kernel, initrd] = [join(this.#folder, 'kernel'), join(this.#folder, 'initrd')];
    if (!(await extractFile(this.#place, `${files}/pv-kernel.img`, kernel))) return undefined;
    const archives: Buffer[] = [];
    for (const name of ['pv-initrd.img', ...Array.from({ length: 8 }, (_, index) => `pv-initrd.img.${index}`)]) {
      const piece = join(this.#folder, 'piece');
      if (!(await extractFile(this.#place, `${files}/${name}`, piece))) break;
      archives.push(await readFile(piece));
    }
    if (archives.length === 0) return undefined;
    await writeFile(initrd, Buffer.concat(archives));
    const words = [
      this.#arguments,
      'panic=2 root=/dev/ram rootfstype=ramfs rdinit=/usr/bin/pantavisor',
      `pv_rev=${revision}`,
      `pv_try=${attempt}`,
    ];
    return { kind: 'kernel', kernel, initrd, commandLine: words.join(' ') };
  }
}

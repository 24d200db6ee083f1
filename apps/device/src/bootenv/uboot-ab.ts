/** The boot loader `uboot-ab`: U-Boot's environment, and two flash partitions with a boot image each (updates.md §6.3). */
import type { Files, Hashing, TextCoding } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { checkBootRevision } from './entries.ts';
import type { Flash } from './flash.ts';
import { type BootEnvironment, bootKeys, nonEmpty, type StoredBoot, storedIn } from './port.ts';
import type { UbootEnvironmentStore } from './uboot-env-store.ts';

/** Before the image: `fit_rev=<revision>`, a zero byte, and what we add for ourselves. */
const headerSize = 4096;
const pieceSize = 1024 * 1024;

interface Header {
  revision: string;
}

function parseHeader(bytes: Uint8Array, text: TextCoding): Header | undefined {
  const lines = text.decode(bytes.subarray(0, 1024)).split(/[\0\n\uFFFD]/);
  const value = (key: string) => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
  const revision = nonEmpty(value('fit_rev')?.trim());
  return lines[0]?.startsWith('fit_rev=') && revision !== undefined ? { revision } : undefined;
}

/**
 * The image of a new revision always goes to the partition that the committed revision does not need. The original renames the active
 * partition when the images are equal, after which the boot loader no longer finds the revision to go back to; we copy.
 * @param running the revision that runs, see `namedRevision`
 * @param partitions the flash partitions `PV_BOOTLOADER_UBOOTAB_A_NAME` and `B_NAME`
 */
export function ubootAbEnvironment(options: {
  files: Files;
  text: TextCoding;
  hashing: Hashing;
  environment: UbootEnvironmentStore;
  running: string;
  partitions: readonly [Flash, Flash];
}): BootEnvironment {
  const { files, text, hashing, environment, running, partitions } = options;
  const header = async (flash: Flash) => parseHeader(await flash.read(0, headerSize), text);

  /** Before a first commit the revision that runs is the one to go back to. */
  async function stored(): Promise<StoredBoot & { committed: string }> {
    return { committed: running, ...storedIn(await environment.read()) };
  }

  /**
   * Whether a partition holds this very image for the revision. The header alone does not tell: the erasing of a partition that was cut off may
   * have left it.
   */
  async function holds(flash: Flash, revision: string, image: Uint8Array, sha256: string): Promise<boolean> {
    if ((await header(flash))?.revision !== revision) return false;
    return hashing.sha256(await flash.read(headerSize, image.length)) === sha256;
  }

  /** The partition that may be overwritten: the one without the committed revision's image. */
  async function spare(): Promise<Flash> {
    const { committed } = await stored();
    const [a, b] = partitions;
    if ((await header(a))?.revision === committed) return b;
    if ((await header(b))?.revision === committed) return a;
    throw new Failure('boot-image-unknown', `cannot tell which boot image belongs to the revision ${committed}`, {
      hint: 'neither flash partition has a header with its name; flash the device again',
    });
  }

  async function writeImage(flash: Flash, revision: string, image: Uint8Array, sha256: string): Promise<void> {
    const needed = headerSize + image.length;
    if (needed > flash.size)
      throw new Failure('boot-image-size', `cannot write a boot image of ${image.length} bytes`, {
        hint: `the flash partition has ${flash.size} bytes, ${headerSize} of them for the header`,
      });
    await flash.erase(0, Math.ceil(needed / flash.eraseSize) * flash.eraseSize);
    for (let at = 0; at < image.length; at += pieceSize)
      await flash.write(headerSize + at, image.subarray(at, at + pieceSize));
    const written = hashing.sha256(await flash.read(headerSize, image.length));
    if (written !== sha256) throw new Failure('boot-image-write', 'cannot read back the boot image as it was written');
    // The header last: an image that has one is complete.
    await flash.write(0, text.encode(`fit_rev=${revision}\0fit_sha256=${sha256}\0`));
  }

  return {
    read: async () => {
      const boot = await stored();
      const found = await Promise.all(partitions.map(header));
      const wanted = boot.committed;
      if (!found.some((one) => one?.revision === wanted || (one && one.revision === boot.trying)))
        throw new Failure('boot-image-unknown', `cannot find the boot image of revision ${wanted} in flash`, {
          hint: 'neither partition has a header with its name',
        });
      return boot;
    },
    install: async (revision, directory) => {
      checkBootRevision(revision);
      const image = await files.read(`${directory}/pantavisor.fit`);
      const sha256 = hashing.sha256(image);
      const { committed } = await stored();
      for (const flash of partitions) if (await holds(flash, revision, image, sha256)) return;
      if (revision === committed)
        throw new Failure(
          'boot-image-committed',
          `cannot replace the boot image of the committed revision ${revision}`,
          {
            hint: 'give the new state another name',
          },
        );
      await writeImage(await spare(), revision, image, sha256);
    },
    armTry: async (revision) => {
      checkBootRevision(revision);
      await environment.set({ [bootKeys.trying]: revision, [bootKeys.tried]: undefined });
    },
    clearTry: async () => {
      if ((await stored()).trying !== undefined) await environment.set({ [bootKeys.trying]: undefined });
    },
    commit: async (revision) => {
      checkBootRevision(revision);
      const values = { [bootKeys.committed]: revision, [bootKeys.trying]: undefined, [bootKeys.tried]: undefined };
      await environment.set(values);
    },
  };
}

/** What an image is to be made of, as its recipe says it; `schema.ts` reads and checks it, docs/images.md tells of it. */

export type ImageArchitecture = 'x86_64' | 'aarch64' | 'armv7';

/**
 * `grub`: GPT with GRUB for BIOS and UEFI. `u-boot`: DOS table with a boot script. `rpi`: the A/B layout of Raspberry Pi's firmware.
 * `none`: only the storage; QEMU loads kernel and initramfs of the revision itself.
 */
export type LoaderName = 'grub' | 'u-boot' | 'rpi' | 'none';

export type KernelRecipe =
  /** Package of Debian with a kernel, or one that depends on it. The values of `fdt` are files below its `usr/lib/linux-image-<release>/`. */
  | { debian: string; fdt?: DeviceTrees }
  | {
      /** The kernel's file. */
      image: string;
      /** Folder with what belongs below `/lib/modules/<release>`; its name is the release. */
      modules?: string;
      /** Folder with what belongs below `/lib/firmware`. */
      firmware?: string;
      fdt?: DeviceTrees;
    };

/** Files with device trees by the names that boot loaders call them. A revision with one of them brings it whatever the board is called. */
export type DeviceTrees = Readonly<Record<string, string>>;

export interface ImageRecipe {
  name: string;
  architecture: ImageArchitecture;
  loader: LoaderName;
  kernel: KernelRecipe;
  /** Kernel arguments of the machine. */
  arguments: string;
  /** Sources of parts of the factory state in the words of `pvr merge`; later ones win. */
  parts: readonly string[];
  /** Keys of /etc/pantavisor.config in the initramfs. */
  config: Readonly<Record<string, string>>;
  /** Keys of the storage's /config/pantahub.config. */
  hub: Readonly<Record<string, string>>;
  /** `bsp/drivers.json`: modules by the name that containers ask for, in section `all` and those that hold on some boards only, e.g. `dtb:NAME`. */
  drivers: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Programs and files that are added to the initramfs, by path; the values are files. */
  initramfs: Readonly<Record<string, string>>;
  boot: {
    /** Files on the boot partition by path, e.g. the firmware of a board; the values are files. */
    files: Readonly<Record<string, string>>;
    /** Files that lie before the first partition, by their offset in bytes, e.g. U-Boot itself. */
    raw: Readonly<Record<string, string>>;
    /** Kernel, initramfs and device trees are one file, a FIT, whose kernel U-Boot copies to this address. */
    fit?: number;
    /** Variables of U-Boot in a partition of their own; no such partition when there are none. */
    oem: Readonly<Record<string, string>>;
  };
  /** Files (PEM) for signatures of the factory state; nothing is signed without `key`. */
  signing: {
    /** Private key for the board support part and what the state says of the whole device. */
    key?: string;
    /** Certificates of the key, its own first. Without them the device knows the key by itself. */
    certificates?: string;
    /** What the device trusts. */
    authorities?: string;
  };
  storage: {
    /** In bytes, of the image; the device grows it to the end of the disk. */
    size: number;
    /** Text files in it by path. */
    files: Readonly<Record<string, string>>;
  };
  /** `fast` is for tests: images are made in a tenth of the time and are a sixth larger. */
  compression: 'best' | 'fast';
  /** What `pv-image run` gives the machine. */
  machine: {
    /** In MiB. */
    memory: number;
    processors: number;
    /** TCP ports of the machine by those of the host. */
    ports: Readonly<Record<string, number>>;
  };
}

/** The first member of a recipe's file. */
export const recipeSpec = 'pantavisor-image@1';

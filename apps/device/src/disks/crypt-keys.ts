/** Keys of encrypted disks: a file of random bytes, or a key that only this machine's chip can open. */
import type { Disk } from '@pantavisor/state';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { runProgram } from '../runtime/programs.ts';
import { renameDurable, writeDurable } from '../storage/durable.ts';

type KeyHost = Pick<Host, 'files' | 'processes' | 'system'>;

/** How the kernel is to encrypt: the fields of dm-crypt's table (kernel documentation, admin-guide/device-mapper/dm-crypt). */
export interface CryptKey {
  cipher: string;
  /** Hex digits, or `:<size>:<type>:<description>` of a key in the kernel's keyring. */
  key: string;
  /** Takes the key out of the keyring when the mapped device has it. */
  forget(): Promise<void>;
}

interface KeySource {
  cipher: string;
  /** File with the key or its sealed form, after the key's path. */
  suffix: string;
  make(host: KeyHost, file: string, description: string): Promise<void>;
  load(host: KeyHost, file: string, description: string): Promise<{ key: string; forget(): Promise<void> }>;
}

const keyBytes = 32;
const keyLimit = 4096;
const nothing = async () => {};

/** The key itself lies in a file: as safe as the storage is (versatile). */
const plainFile: KeySource = {
  cipher: 'aes-cbc-essiv:sha256',
  suffix: '.txt',
  async make({ files, system }, file) {
    await writeDurable(files, file, fromHex(system.randomHex(keyBytes)), 0o600);
  },
  async load({ files }, file) {
    const key = await files.read(file, keyLimit);
    if (key.length < keyBytes)
      throw new Failure('disk-key', `cannot use the key ${file}: it has ${key.length} bytes and not ${keyBytes}`, {
        file,
      });
    return { key: toHex(key.subarray(0, keyBytes)), forget: nothing };
  },
};

/** A trusted key of the kernel, sealed by CAAM or DCP (kernel documentation, security/keys/trusted-encrypted). */
const trustedKey = (cipher: string): KeySource => ({
  cipher,
  suffix: '.bb',
  async make(host, file, description) {
    const add = ['keyctl', 'add', 'trusted', description, `new ${keyBytes}`, '@u'];
    const id = (await runProgram(host, `make the key ${file}`, add)).trim();
    const blob = await runProgram(host, `seal the key ${file}`, ['keyctl', 'pipe', id]);
    await writeDurable(host.files, file, blob, 0o600);
    await runProgram(host, `forget the key ${file}`, ['keyctl', 'unlink', id, '@u']);
  },
  async load(host, file, description) {
    const blob = (await host.files.readText(file, keyLimit)).trim();
    const add = ['keyctl', 'add', 'trusted', description, `load ${blob}`, '@u'];
    const id = (await runProgram(host, `open the key ${file}`, add)).trim();
    return {
      key: `:${keyBytes}:trusted:${description}`,
      forget: async () => void (await runProgram(host, `forget the key ${file}`, ['keyctl', 'unlink', id, '@u'])),
    };
  },
});

/** A black key of NXP's own kernel, made and opened by its tool caam-keygen. */
const taggedKey: KeySource = {
  cipher: 'capi:tk(cbc(aes))-plain',
  suffix: '.bb',
  async make(host, file) {
    const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.bb$/, '');
    await runProgram(host, `make the key ${file}`, ['caam-keygen', 'create', name, 'ecb', '-s', '16']);
  },
  async load(host, file, description) {
    const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.bb$/, '');
    await runProgram(host, `open the key ${file}`, ['caam-keygen', 'import', file, name]);
    const load = `keyctl padd logon "$1" @us < "$2"`;
    const argv = ['sh', '-c', load, 'sh', description, file.replace(/\.bb$/, '')];
    const id = (await runProgram(host, `load the key ${file}`, argv)).trim();
    return {
      key: `:36:logon:${description}`,
      forget: async () => void (await runProgram(host, `forget the key ${file}`, ['keyctl', 'unlink', id, '@us'])),
    };
  },
};

/** Programs of the board for keys that DCP opens: its own tool, and one that makes blobs of the kernel's from keys. */
const [dcpTool, blobTool] = ['x--pv-dcp-tool', 'dcp-blob-create'];
/** Busybox' and dash's shell know no pipefail: what comes out of a pipe is looked at, not how its first program ended. */
const shell = (script: string, file: string) => ['sh', '-c', script, 'sh', file];

/** A grey blob of DCP (dcp nxp): the board's tool seals what it reads from standard input, and writes what it opened to standard output. */
const greyBlob: KeySource = {
  cipher: 'capi:cbc(aes)-essiv:sha256',
  suffix: '',
  async make(host, file) {
    const fresh = `${file}.new`;
    const seal = `head -c ${keyBytes} /dev/urandom | ${dcpTool} encrypt "$1"`;
    await runProgram(host, `make the key ${file}`, shell(seal, fresh));
    await host.files.changeMode(fresh, 0o600);
    await renameDurable(host.files, fresh, file);
  },
  async load(host, file) {
    const open = `${dcpTool} decrypt "$1" | od -An -v -tx1`;
    const key = (await runProgram(host, `open the key ${file}`, shell(open, file))).replaceAll(/\s/g, '');
    if (key.length !== 2 * keyBytes)
      throw new Failure(
        'disk-key',
        `cannot open the key ${file}: ${dcpTool} gave ${key.length / 2} bytes and not ${keyBytes}`,
        { file },
      );
    return { key, forget: nothing };
  },
};

const sources: Readonly<Record<string, KeySource | undefined>> = {
  'dm-crypt-versatile': plainFile,
  'dm-crypt-caam mainline': trustedKey('capi:cbc(aes)-plain64'),
  'dm-crypt-caam nxp': taggedKey,
  'dm-crypt-dcp mainline': trustedKey('capi:cbc(aes)-essiv:sha256'),
  'dm-crypt-dcp nxp': greyBlob,
};

const pendingSuffix = '.pending';

/**
 * The trusted key of a dcp disk whose key is still a grey blob: made from it, and kept as pending until `settleKey`.
 * @returns file of the pending key
 */
async function migrate(host: KeyHost, greyFile: string, file: string): Promise<string> {
  const pending = `${file}${pendingSuffix}`;
  const convert = `${dcpTool} decrypt "$1" | ${blobTool}`;
  const blob = await runProgram(host, `turn the key ${greyFile} into one of the kernel`, shell(convert, greyFile));
  await writeDurable(host.files, pending, blob, 0o600);
  return pending;
}

const pendingOf = (path: string) => `${path}.bb${pendingSuffix}`;

/**
 * Whether a key was migrated and has not opened its disk yet: a disk that it does not open is not damaged.
 * @param path of the key without its suffix
 */
export async function isUnproved({ files }: KeyHost, path: string): Promise<boolean> {
  return (await files.status(pendingOf(path))) !== undefined;
}

/** Keeps a migrated key, as soon as it has opened its disk. */
export async function settleKey(host: KeyHost, path: string): Promise<void> {
  if (await isUnproved(host, path)) await renameDurable(host.files, pendingOf(path), `${path}.bb`);
}

/**
 * Makes the key unless it is there, or opens it. A dcp disk of mode mainline that has but a grey blob is opened by that, or, when it is to be migrated,
 * by a trusted key that is made from it.
 * @param path of the key without its suffix
 * @throws Failure `disk-key`, `program`
 */
export async function openKey(
  host: KeyHost,
  { name, type, mode, migrateKeyblob }: Disk,
  path: string,
  create: boolean,
): Promise<CryptKey> {
  const source = sources[type] ?? sources[`${type} ${mode}`];
  if (source === undefined)
    throw new Failure(
      'disk-key',
      `cannot open the disk ${name}: there is no way to its key for ${type} in mode ${mode}`,
      {
        hint: 'set "mode" to mainline or nxp, or install the program volmount/crypt/crypt of the board',
      },
    );
  const isThere = async (file: string) => (await host.files.status(file)) !== undefined;
  const file = `${path}${source.suffix}`;
  const description = `logkey:${path.slice(path.lastIndexOf('/') + 1)}`;
  const load = async ({ cipher, load }: KeySource, from: string) => ({
    cipher,
    ...(await load(host, from, description)),
  });
  if (await isThere(file)) return load(source, file);
  if (type === 'dm-crypt-dcp' && mode === 'mainline' && (await isThere(path)))
    return migrateKeyblob ? load(source, await migrate(host, path, file)) : load(greyBlob, path);
  if (!create) throw new Failure('disk-key', `cannot open the disk ${name}: its key ${file} is missing`, { file });
  await source.make(host, file, description);
  return load(source, file);
}

function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}

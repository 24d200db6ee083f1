/** Keys of encrypted disks: a file of random bytes, or a key that only this machine's chip can open. */
import type { Disk } from '@pantavisor/state';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { runProgram } from '../runtime/programs.ts';
import { writeDurable } from '../storage/durable.ts';

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

const sources: Readonly<Record<string, KeySource | undefined>> = {
  'dm-crypt-versatile': plainFile,
  'dm-crypt-caam mainline': trustedKey('capi:cbc(aes)-plain64'),
  'dm-crypt-caam nxp': taggedKey,
  'dm-crypt-dcp mainline': trustedKey('capi:cbc(aes)-essiv:sha256'),
};

/**
 * Makes the key unless it is there, or opens it.
 * @param path of the key without its suffix
 * @throws Failure `disk-key`, `program`
 */
export async function openKey(
  host: KeyHost,
  { name, type, mode }: Disk,
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
  const file = `${path}${source.suffix}`;
  const description = `logkey:${path.slice(path.lastIndexOf('/') + 1)}`;
  const isThere = (await host.files.status(file)) !== undefined;
  if (!isThere && !create)
    throw new Failure('disk-key', `cannot open the disk ${name}: its key ${file} is missing`, { file });
  if (!isThere) await source.make(host, file, description);
  const { key, forget } = await source.load(host, file, description);
  return { cipher: source.cipher, key, forget };
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

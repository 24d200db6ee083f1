/** Signatures of the factory state: what is made here is signed, and a device that would refuse the state is not made (signatures.md). */
import { createPublicKey } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageRecipe } from '../recipe/recipe.ts';
import { checkSignatures, pvr, type SignatureCheck } from './pvr.ts';

/** Folder in the initramfs of what the device trusts. */
const trustFolder = 'etc/pantavisor/pvs/trust';
const publicKey = `${trustFolder}/pub.pem`;

type SigningRecipe = Pick<ImageRecipe, 'config' | 'initramfs' | 'signing'>;

const authoritiesPath = ({ config }: SigningRecipe) =>
  `${trustFolder}/${config.PV_SECUREBOOT_TRUSTSTORE || 'ca-certificates'}.crt`;

/** Files of trust for the initramfs, by path. @throws Error when the key cannot be read */
export async function trustFiles(recipe: SigningRecipe): Promise<Map<string, Uint8Array>> {
  const { key, certificates, authorities } = recipe.signing;
  const files = new Map<string, Uint8Array>();
  if (authorities !== undefined) files.set(authoritiesPath(recipe), await readFile(authorities));
  if (key !== undefined && certificates === undefined) {
    try {
      const pem = createPublicKey(await readFile(key)).export({ type: 'spki', format: 'pem' });
      files.set(publicKey, Buffer.from(pem));
    } catch (cause) {
      throw new Error(`cannot read the key ${key} (signing.key): ${(cause as Error).message}`, { cause });
    }
  }
  return files;
}

/** Signs what this program makes: the board support part, `device.json`, and the format of the state. */
export async function signFactory({ signing }: SigningRecipe, tree: string): Promise<void> {
  const { key, certificates } = signing;
  if (key === undefined) return;
  const what = ['--include', 'bsp/**', '--include', 'device.json', '--include', '#spec', '--exclude', 'bsp/src.json'];
  await mkdir(join(tree, '_sigs'), { recursive: true });
  await pvr(tree, ['sig', '--key', key, '--x5c', certificates ?? 'no', 'add', '--raw', 'bsp', ...what]);
  await pvr(tree, ['add', '_sigs/bsp.json']);
  await pvr(tree, ['commit', '-m', 'signed']);
}

/** `PV_SECUREBOOT_MODE` of the device; the policy that comes with the runtime says more than the file. */
function modeOf({ config }: SigningRecipe): string {
  return config.PV_POLICY === 'prod' ? 'strict' : (config.PV_SECUREBOOT_MODE ?? 'lenient');
}

/**
 * What a device would have against the signatures of a state.
 * @param check what pvr says of it
 * @returns sentences, each with what to do
 */
export function signatureProblems(recipe: SigningRecipe, { reasons }: SignatureCheck): string[] {
  const mode = modeOf(recipe);
  if (mode === 'disabled') return [];
  const invalid = reasons
    .filter(({ code }) => code !== 'key-uncovered')
    .map(
      ({ message, key = '' }) =>
        `${key}: ${message}; sign that part again, or bring whom it is to be trusted by: "signing": {"authorities": "<file>"} of the recipe`,
    );
  if (mode !== 'strict') return invalid;
  const open = reasons.filter(({ code }) => code === 'key-uncovered').map(({ key = '' }) => key);
  const made = open.filter((key) => /^(bsp\/|device\.json$|#spec$)/.test(key));
  const parts = new Set(
    open.filter((key) => !made.includes(key)).map((key) => /^(?:_config\/)?([^/]+)/.exec(key)?.[1]),
  );
  return [
    ...invalid,
    ...(made.length === 0
      ? []
      : [
          `${made.join(', ')}: made here and not signed; bring a key: "signing": {"key": "<file>", "certificates": "<file>"} of the recipe`,
        ]),
    ...[...parts].map(
      (part) => `${part}: not signed; in its repository: pvr sig add --part ${part}, pvr add _sigs, pvr commit`,
    ),
  ];
}

/**
 * What is wrong with signatures whomever of several the device trusts: each is looked at with each of them, and one that fits is enough.
 * @param checks one for each whom the device trusts
 */
export function combined(checks: readonly SignatureCheck[]): SignatureCheck {
  const [first, ...others] = checks;
  const inAll = ({ code, key }: SignatureCheck['reasons'][number]) =>
    others.every(({ reasons }) => reasons.some((reason) => reason.code === code && reason.key === key));
  return { reasons: (first?.reasons ?? []).filter(inAll) };
}

/** Arguments of pvr for each whom the device trusts. @param work folder for files on the way */
async function trusted(recipe: SigningRecipe, work: string): Promise<string[][]> {
  const oem = `${trustFolder}/${recipe.config.PV_SECUREBOOT_OEM_TRUSTSTORE || 'ca-oem-certificates'}.crt`;
  const made = await trustFiles(recipe);
  const found: string[][] = [];
  for (const [path, flag] of [
    [authoritiesPath(recipe), '--cacerts'],
    [oem, '--cacerts'],
    [publicKey, '--pubkey'],
  ] as const) {
    let file = recipe.initramfs[path];
    const content = made.get(path);
    if (content !== undefined) {
      file = join(work, path.replace(/^.*\//, ''));
      await writeFile(file, content);
    }
    if (file !== undefined) found.push([flag, file]);
  }
  return found;
}

/**
 * Proves that the device would take the committed state.
 * @param work folder for files on the way
 * @throws Error with everything that it would have against it
 */
export async function proveSignatures(recipe: SigningRecipe, tree: string, work: string): Promise<void> {
  const members = Object.keys(JSON.parse(await readFile(join(tree, '.pvr/json'), 'utf8')) as object);
  const signatures = members.filter((key) => key.startsWith('_sigs/'));
  const mode = modeOf(recipe);
  if (mode === 'disabled' || (mode !== 'strict' && signatures.length === 0)) return;
  const trust = await trusted(recipe, work);
  const check = combined(
    await Promise.all((trust.length === 0 ? [[]] : trust).map((argv) => checkSignatures(tree, argv))),
  );
  if (trust.length === 0)
    for (const key of signatures)
      check.reasons.push({ code: 'signature-invalid', key, message: 'the device trusts nobody' });
  const problems = signatureProblems(recipe, check);
  if (problems.length === 0) return;
  const lines = problems.map((one) => `  ${one}`).join('\n');
  throw new Error(
    `cannot make a factory state of this: a device with PV_SECUREBOOT_MODE=${mode} would refuse it\n${lines}`,
  );
}

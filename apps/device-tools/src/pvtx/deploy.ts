/** Writing a local transaction as a folder that a device boots from: `.pvr`, the files of the state, and links for the boot loader (pvtx.md §5). */
import type { ToolHost } from '../host/ports.ts';
import { PvtxFailure, reasonOf } from './failure.ts';
import { type Member, readState } from './state-text.ts';
import type { Transaction } from './transaction.ts';

/** Members of `bsp/run.json` and what a boot loader calls their files. `ftd` is how the original spells `fdt`. */
const bootLinks: readonly (readonly [string, string])[] = [
  ['fit', 'pantavisor.fit'],
  ['initrd', 'pv-initrd.img'],
  ['pantavisor', 'pv-initrd.img'],
  ['linux', 'pv-kernel.img'],
  ['kernel', 'pv-kernel.img'],
  ['ftd', 'pv-ftd.img'],
  ['fdt', 'pv-fdt.img'],
];

/**
 * Deploys to a folder that exists, in whose place the new one comes at once.
 * Boot files that are missing are told on standard error.
 * @throws PvtxFailure when nothing was changed
 */
export async function deploy(transaction: Transaction, given: string | undefined): Promise<void> {
  const status = await transaction.active('inactive');
  const { host } = transaction;
  const { files } = host;
  if (status.objects === '') throw new PvtxFailure("this transaction is remote: 'pvtx commit' hands it to the device");
  if (!given) throw new PvtxFailure('name the folder to deploy to');
  const folder = given.replace(/(.)\/+$/, '$1');
  const [next, former] = [`${folder}.tmp`, `${folder}.bak`];
  // A cut of power between the two renames left the former folder under its other name.
  if (!files.exists(folder) && files.exists(former)) await files.rename(former, folder);
  if (!files.exists(folder)) throw new PvtxFailure(`cannot deploy: there is no folder ${folder}`);
  const state = await transaction.show();
  const members = readState(state);
  await files.remove(next);
  try {
    await files.makeDirectory(`${next}/.pvr`);
    const config = await files.readText(`${folder}/.pvr/config`).catch(() => undefined);
    await files.replace(`${next}/.pvr/config`, config ?? JSON.stringify({ ObjectsDir: status.objects }));
    await files.replace(`${next}/.pvr/json`, state, 0o600);
    for (const member of members) await writeMember(host, next, status.objects, member);
    await linkBootFiles(host, next, members);
    await files.syncFileSystem(status.objects);
    await files.syncFileSystem(next);
    await files.remove(former);
    await files.rename(folder, former);
  } catch (error) {
    await files.remove(next);
    throw error instanceof PvtxFailure ? error : new PvtxFailure(`cannot deploy: ${reasonOf(error)}`);
  }
  try {
    await files.rename(next, folder);
  } catch (error) {
    await files.rename(former, folder);
    throw new PvtxFailure(`cannot deploy to ${folder}: ${reasonOf(error)}; it is as it was`);
  }
  await files.remove(former);
  await transaction.setStatus({ ...status, phase: 'deployed' });
}

async function writeMember(
  { files }: ToolHost,
  folder: string,
  objects: string,
  { key, value }: Member,
): Promise<void> {
  const steps = key.split('/');
  if (
    steps.some((step) => step === '' || step === '.' || step === '..' || step.includes('\0')) ||
    /^\.pvr?$/.test(steps[0]!)
  )
    throw new PvtxFailure(`cannot deploy the key ${JSON.stringify(key)}: it is no place in the folder`);
  await files.makeDirectory(`${folder}/${steps.slice(0, -1).join('/')}`);
  const [, sha256] = /^"([0-9a-f]{64})"$/.exec(value) ?? [];
  if (sha256 === undefined) return files.replace(`${folder}/${key}`, value);
  await files.link(`${objects}/${sha256}`, `${folder}/${key}`).catch((error: unknown) => {
    throw new PvtxFailure(`cannot link the object ${sha256} of ${key} from ${objects}: ${reasonOf(error)}`);
  });
}

async function linkBootFiles({ files, stderr }: ToolHost, folder: string, members: readonly Member[]): Promise<void> {
  await files.makeDirectory(`${folder}/.pv`);
  const run = members.find(({ key }) => key === 'bsp/run.json');
  const named: Record<string, unknown> = run?.value.startsWith('{') ? JSON.parse(run.value) : {};
  for (const [member, link] of bootLinks) {
    const file = named[member];
    if (typeof file !== 'string' || !members.some(({ key }) => key === `bsp/${file}`)) {
      if (file !== undefined)
        stderr.write(
          `WARN: deploy: bsp/run.json names ${JSON.stringify(file)} as ${member}, which the state does not have\n`,
        );
      continue;
    }
    await files.remove(`${folder}/.pv/${link}`);
    await files.link(`${folder}/bsp/${file}`, `${folder}/.pv/${link}`);
  }
}

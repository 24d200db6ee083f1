/** `pvr deploy`: makes a directory that a device can boot from (pvr §5.8). */
import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { findMember } from '@pantavisor/state';
import type { Pvr } from '../context.ts';
import type { Reference } from '../reference.ts';
import { checkout } from '../repository/checkout.ts';
import { Repository } from '../repository/repository.ts';
import { checkKey, nodeOf, type StateDocument } from '../repository/values.ts';
import { walkTree } from '../repository/walk.ts';
import { receive } from './receive.ts';

/** @param how `get` replaces parts, `merge` lays them over what is there */
export async function deploy(
  pvr: Pvr,
  directory: string,
  references: readonly Reference[],
  how: 'get' | 'merge',
  options: { spec: string; objectsDir: string },
): Promise<{ removed: string[]; links: string[] }> {
  mkdirSync(directory, { recursive: true });
  const repository = Repository.isAt(directory)
    ? new Repository(directory)
    : Repository.init(directory, options.spec, options.objectsDir);
  for (const reference of references) await receive(pvr, repository, reference, how);
  const state = repository.readState();
  const removed = removeOthers(directory, state);
  await checkout(repository, { hardlink: true });
  return { removed, links: linkBoot(directory, state) };
}

/** Removes files that the state does not have, and directories that become empty. */
function removeOthers(root: string, state: StateDocument): string[] {
  const removed: string[] = [];
  const { files, obstacles } = walkTree(root, (key) => key === '.pvr' || key === '.pv');
  for (const key of [...files.keys(), ...obstacles.map(({ key: name }) => name)]) {
    if (state.values.has(key)) continue;
    rmSync(join(root, key), { force: true });
    removed.push(key);
  }
  for (const name of readdirSync(root)) if (name !== '.pvr' && name !== '.pv') removeEmpty(join(root, name));
  return removed.sort();
}

function removeEmpty(path: string): void {
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) removeEmpty(join(path, name));
  if (readdirSync(path).length === 0) rmdirSync(path);
}

/** Hard links in `.pv/` under the names that boot loaders look for; as the device makes them (storage.md §2.1). */
function linkBoot(root: string, { values }: StateDocument): string[] {
  const manifest = values.get('bsp/run.json');
  if (manifest?.kind !== 'inline')
    throw new Failure('no-bsp', 'cannot make the links for the boot loader: the state has no bsp/run.json', {
      exitCode: 10,
    });
  const node = nodeOf(manifest.text);
  const named = (member: string): string | undefined => {
    const value = node.kind === 'object' ? findMember(node, member)?.value : undefined;
    return value?.kind === 'string' && value.value !== '' ? value.value : undefined;
  };
  const [fit, fdt, board] = [named('fit'), named('fdt'), named('rpiab')];
  const addons = node.kind === 'object' ? findMember(node, 'addons')?.value : undefined;
  const addonNames = addons?.kind === 'array' ? addons.items : [];
  const images: [string, string][] =
    fit !== undefined
      ? [['pantavisor.fit', fit]]
      : board !== undefined
        ? [[`rpiboot.img${board.endsWith('.gz') ? '.gz' : ''}`, board]]
        : [
            ['pv-kernel.img', named('kernel') ?? named('linux') ?? 'kernel.img'],
            ['pv-initrd.img', named('initrd') ?? 'pantavisor'],
            ...(fdt === undefined ? [] : ([['pv-fdt.dtb', fdt]] as [string, string][])),
          ];
  const links = [
    ...images,
    ...addonNames.map((addon, index): [string, string] => [
      `pv-initrd.img.${index}`,
      addon.kind === 'string' ? addon.value : '',
    ]),
  ];
  mkdirSync(join(root, '.pv'), { recursive: true });
  for (const [name, file] of links) {
    const key = `bsp/${file}`;
    checkKey(key);
    const source = join(root, key);
    if (!existsSync(source))
      throw new Failure('no-bsp', `cannot link .pv/${name}: the state has no ${key}`, { exitCode: 10 });
    const temporary = join(root, '.pv', `${name}.new`);
    rmSync(temporary, { force: true });
    linkSync(source, temporary);
    renameSync(temporary, join(root, '.pv', name));
    rmSync(temporary, { force: true });
  }
  return links.map(([name]) => `.pv/${name}`);
}

/** Apps from another repository, device or export (pvr §8.6). */
import { cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';
import { readReference } from '../reference.ts';
import { checkout } from '../repository/checkout.ts';
import { sha256 } from '../repository/hashing.ts';
import { Repository } from '../repository/repository.ts';
import { defaultSpec } from '../repository/values.ts';
import { receive } from '../transfer/receive.ts';
import { withScratch } from './build.ts';
import { readSourceManifest, type SourceManifest, writeSourceManifest } from './manifest.ts';

/** Fetches the parts that the fragment names; the first one becomes the app, `_config` and `_sigs` come along as they are. */
export async function fetchApp(
  pvr: Pvr,
  root: string,
  app: string,
  from: string,
  change: Partial<SourceManifest>,
): Promise<void> {
  const reference = readReference(from, pvr.directory, pvr.cloneUrl);
  const [part] = reference.fragment.parts;
  if (part === undefined)
    throw new Failure('part-missing', `cannot take an app from ${from}: name its part, e.g. ${from}#${app}`, {
      exitCode: 3,
    });
  const objectsDir = new Repository(root).objects.directory;
  await withScratch(async (scratch) => {
    const repository = Repository.init(scratch, defaultSpec, objectsDir);
    await receive(pvr, repository, reference, 'get');
    await checkout(repository);
    if (!existsSync(join(scratch, part)))
      throw new Failure('part-missing', `cannot find the part ${part} in ${from}`, { exitCode: 3 });
    const digest = `sha256:${sha256(repository.readStateText())}`;
    for (const name of readdirSync(scratch)) {
      if (name === '.pvr') continue;
      const target = join(root, name === part ? app : name);
      if (name === part) {
        rmSync(`${target}.new`, { recursive: true, force: true });
        cpSync(join(scratch, name), `${target}.new`, { recursive: true });
        rmSync(target, { recursive: true, force: true });
        renameSync(`${target}.new`, target);
      } else cpSync(join(scratch, name), target, { recursive: true });
    }
    const old = existsSync(join(root, app, 'src.json'))
      ? readSourceManifest(root, app)
      : { '#spec': 'service-manifest-src@1' };
    writeSourceManifest(root, app, { ...old, ...change, name: app, pvr: from, pvr_digest: digest });
  });
}

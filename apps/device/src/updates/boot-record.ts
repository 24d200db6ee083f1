/**
 * Which boot this is, and which revision it is a boot of.
 *
 * A boot loader, or a launcher that plays one, names the revision in `pv_rev`. In app-engine mode the runtime may also be started by
 * something that only starts it again, such as a service manager: then nobody names one, and the runtime does itself what a boot script
 * does, with its memory in `<S>/boot/pv_trying`.
 *
 * A runtime that is started anew on a machine that went on is no boot: its record, in a directory that is gone after every boot and every
 * orderly end, is still there and names the same revision.
 */
import { nextBoot } from '../bootenv/launcher.ts';
import { bootKeys, nonEmpty, type StoredBoot } from '../bootenv/port.ts';
import type { Host } from '../host/ports.ts';
import { readIfThere, removeDurable, writeDurable } from '../storage/durable.ts';
import { isRevisionName } from '../storage/revision-name.ts';
import { makeDirectories } from '../volumes/directories.ts';

export interface BootRecord {
  /** Tells this boot from others. */
  id: string;
  /** What the boot loader chose. */
  revision: string;
}

export interface BootSources {
  host: Pick<Host, 'files' | 'system'>;
  /** Directory that is gone after a boot. */
  base: string;
  /** Directory of the boot environment. */
  boot: string;
  stored: StoredBoot;
  /** The revision that a boot loader or launcher named; undefined when nobody did. */
  named: string | undefined;
  /** Whether the runtime has to choose when nobody named a revision. */
  choose: boolean;
}

const recordLimit = 4096;

/** Finds the record of this boot, or begins one. */
export async function recordBoot(sources: BootSources): Promise<BootRecord> {
  const { host, base, named } = sources;
  const path = `${base}/boot.json`;
  const found = parseRecord(await readIfThere(host.files, path, recordLimit));
  if (found !== undefined && (named === undefined || named === found.revision)) return found;
  const record = { id: host.system.randomHex(8), revision: named ?? (await choose(sources)) };
  await makeDirectories(host.files, base);
  await host.files.write(`${path}.new`, JSON.stringify(record), { mode: 0o644 });
  await host.files.rename(`${path}.new`, path);
  return record;
}

/** What was tried last is written down before it is tried: a power cut in between costs the trial, never the way back. */
async function choose({ host, boot, stored, choose: mayTry }: BootSources): Promise<string> {
  if (!mayTry) return stored.committed ?? '0';
  const path = `${boot}/${bootKeys.tried}`;
  const before = nonEmpty((await readIfThere(host.files, path, recordLimit)) ?? '');
  const { revision, tried } = nextBoot(stored, before);
  if (tried === before) return revision;
  try {
    await (tried === undefined ? removeDurable(host.files, path) : writeDurable(host.files, path, tried));
    return revision;
  } catch {
    // Without its memory the trial could be repeated for ever.
    return stored.committed ?? '0';
  }
}

function parseRecord(text: string | undefined): BootRecord | undefined {
  try {
    const { id, revision } = JSON.parse(text ?? '{}') as Record<string, unknown>;
    return typeof id === 'string' && typeof revision === 'string' && isRevisionName(revision)
      ? { id, revision }
      : undefined;
  } catch {
    return undefined;
  }
}

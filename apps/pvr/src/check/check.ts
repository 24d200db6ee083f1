/** `pvr check`: what a device would say to the working tree, and do with it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import {
  type Problem,
  parseState,
  planTransition,
  type SignatureVerdict,
  type Transition,
  verifySignatures,
} from '@pantavisor/state';
import type { ObjectPool } from '../repository/objects.ts';
import type { Repository } from '../repository/repository.ts';
import { objectsOf, readStateDocument, type StateDocument, writeStateDocument } from '../repository/values.ts';
import { takeSnapshot } from '../repository/working-tree.ts';
import { NodeSignatureCrypto, type Trust } from '../signatures/verify.ts';

export interface CheckReport {
  /** A device would take it. */
  ok: boolean;
  problems: Problem[];
  /** What happens on a device that runs the state compared with. Absent when one of both cannot be read. */
  transition?: Transition;
  /** What the state was compared with. */
  against: 'device' | 'committed' | 'reference';
  signatures: Pick<SignatureVerdict, 'ok' | 'message' | 'reasons'>;
  /** Parts with keys that no signature covers. */
  unsignedParts: string[];
  unsignedKeys: string[];
  transfer: { objects: number; bytes: number };
  /** Files that `pvr post` would leave out: not added, or not committed. */
  uncommitted: string[];
  untracked: string[];
  /** Objects that are neither in the working tree nor in the pool. */
  missing: string[];
}

export interface CheckOptions {
  initMode: 'embedded' | 'standalone' | 'appengine';
  mode: 'lenient' | 'strict' | 'audit';
  trust?: Trust;
  /** State to compare with, instead of the one that the device is known to have. */
  against?: StateDocument;
}

export async function checkTree(repository: Repository, options: CheckOptions): Promise<CheckReport> {
  const { working, changes, tree, pristine } = await takeSnapshot(repository);
  const text = writeStateDocument(working);
  const context = { initMode: options.initMode };
  const parsed = parseState(text, context);
  const known = options.against ?? readDeviceState(repository);
  const before = known ?? pristine;
  const running = parseState(writeStateDocument(before), context).state;
  const verdict = await verifySignatures(text, { mode: options.mode }, new NodeSignatureCrypto(options.trust));
  const has = new Set(objectsOf(before).keys());
  const fresh = [...objectsOf(working)].filter(([sha]) => !has.has(sha));
  const pool = repository.objects;
  const bytes = fresh.reduce((sum, [sha, key]) => sum + sizeOf(pool, sha, tree.files.get(key)?.path), 0);
  const errors = parsed.problems.filter(({ severity }) => severity === 'error');
  return {
    ok: errors.length === 0 && verdict.ok,
    problems: parsed.problems,
    ...(parsed.state && running ? { transition: planTransition(running, parsed.state) } : {}),
    against: options.against ? 'reference' : known ? 'device' : 'committed',
    signatures: { ok: verdict.ok, message: verdict.message, reasons: verdict.reasons },
    unsignedParts: verdict.uncoveredParts,
    unsignedKeys: verdict.uncovered,
    transfer: { objects: fresh.length, bytes },
    uncommitted: [...changes.added, ...changes.changed, ...changes.removed].sort(),
    untracked: changes.untracked.toSorted(),
    missing: fresh.filter(([sha, key]) => !tree.files.has(key) && !pool.has(sha)).map(([, key]) => key),
  };
}

function sizeOf(pool: ObjectPool, sha: string, path: string | undefined): number {
  const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  return found?.size ?? (pool.has(sha) ? pool.sizeOf(sha) : 0);
}

/** The state that the device had when it was last cloned, fetched whole, or posted to. */
export function readDeviceState(repository: Repository): StateDocument | undefined {
  const path = repository.own('device-state');
  return existsSync(path) ? readStateDocument(readFileSync(path, 'utf8'), path) : undefined;
}

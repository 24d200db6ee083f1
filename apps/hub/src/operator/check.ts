import { createHash } from 'node:crypto';
import type { Hub } from '../hub.ts';

/** One thing that is not as it should be. */
export interface Finding {
  storageId: string;
  problem: 'missing' | 'wrong size' | 'wrong content' | 'no record' | 'dangling link';
  repaired: boolean;
}

/**
 * Reads every blob and compares it with its record.
 * @param repair marks records of missing or damaged blobs as not uploaded, so that the next client uploads them again, and
 *   removes damaged blobs
 */
export async function checkBlobs(
  hub: Hub,
  repair: boolean,
  report: (finding: Finding) => void,
): Promise<{ checked: number; findings: number }> {
  let checked = 0;
  let findings = 0;
  const found = (storageId: string, problem: Finding['problem'], repaired: boolean) => {
    findings += 1;
    report({ storageId, problem, repaired });
  };
  const rows = await hub.db.selectFrom('objects').select(['storage_id', 'sha', 'size', 'stored', 'linked']).execute();
  const known = new Set(rows.map((row) => row.storage_id));
  for (const row of rows) {
    if (row.linked !== null && !known.has(row.linked)) found(row.storage_id, 'dangling link', false);
    if (row.stored === 0) continue;
    checked += 1;
    const problem = await problemOf(hub, row);
    if (problem === undefined) continue;
    if (repair) {
      await hub.writer.write((tx) =>
        tx.updateTable('objects').set({ stored: 0 }).where('storage_id', '=', row.storage_id).execute(),
      );
      await hub.blobs.remove(row.storage_id);
    }
    found(row.storage_id, problem, repair);
  }
  for await (const { key } of hub.blobs.list()) if (!known.has(key)) found(key, 'no record', false);
  return { checked, findings };
}

async function problemOf(
  hub: Hub,
  row: { storage_id: string; sha: string; size: number },
): Promise<Finding['problem'] | undefined> {
  const blob = await hub.blobs.get(row.storage_id);
  if (blob === undefined) return 'missing';
  if (blob.size !== row.size) {
    blob.stream.destroy();
    return 'wrong size';
  }
  const hash = createHash('sha256');
  for await (const piece of blob.stream) hash.update(piece as Buffer);
  return hash.digest('hex') === row.sha ? undefined : 'wrong content';
}

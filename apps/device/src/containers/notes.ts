/** Keeps the notes about containers in step with their status, for a runtime that comes after this one. */
import type { ContainerStatus } from '@pantavisor/engine';
import type { ContainerReport } from '../runtime/facade.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { ContainerRecords } from './records.ts';

/**
 * Writes, replaces or removes the note of a container after a change of its status. Failures come back as rejections.
 * @param report the container after the change
 */
export async function noteStatus(
  records: ContainerRecords,
  lifecycle: Pick<Lifecycle, 'runningOf'>,
  revision: string,
  report: ContainerReport,
  now: number,
): Promise<void> {
  const { name, status } = report;
  if (runs.includes(status)) {
    const found = lifecycle.runningOf(name);
    if (found === undefined) return;
    const { running, address } = found;
    return records.put({
      name,
      revision: found.revision,
      pid: running.initPid,
      startedAt: report.startedAt ?? now,
      ready: status === 'READY',
      userStopped: false,
      ...(address === undefined ? {} : { address }),
    });
  }
  if (status === 'STOPPED' && report.userStopped)
    return records.put({ name, revision, pid: 0, startedAt: now, ready: false, userStopped: true });
  if (status === 'STOPPED' || status === 'INSTALLED') return records.remove(name);
}

const runs: readonly ContainerStatus[] = ['STARTED', 'READY'];

/** Keeps the notes about containers in step with what happens to them, for a runtime that comes after this one. */
import type { ContainerStatus } from '@pantavisor/engine';
import type { Clock } from '../host/ports.ts';
import type { ContainerReport } from '../runtime/facade.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { ContainerRecords } from './records.ts';

const running: readonly ContainerStatus[] = ['STARTED', 'READY'];

export class ContainerNotes {
  readonly #records: ContainerRecords;
  readonly #lifecycle: Pick<Lifecycle, 'runningOf'>;
  readonly #clock: Clock;
  readonly #revision: () => string;

  /** @param revision the one that runs at the time */
  constructor(
    records: ContainerRecords,
    lifecycle: Pick<Lifecycle, 'runningOf'>,
    clock: Clock,
    revision: () => string,
  ) {
    this.#records = records;
    this.#lifecycle = lifecycle;
    this.#clock = clock;
    this.#revision = revision;
  }

  /** Writes, replaces or removes the note after a change of the status. @param report the container after the change */
  async status(report: ContainerReport): Promise<void> {
    const { name, status, userStopped } = report;
    if (running.includes(status)) await this.#put(report, false);
    else if (status === 'STOPPED' && userStopped) await this.#put(report, true);
    else if (status === 'STOPPED' || status === 'INSTALLED') await this.#records.remove(name);
  }

  /** Notes what a person asked for, before it is done: the next runtime goes on with it. */
  async wish(report: ContainerReport, stopped: boolean): Promise<void> {
    if (stopped || this.#lifecycle.runningOf(report.name) !== undefined) await this.#put(report, stopped);
    else await this.#records.remove(report.name);
  }

  async #put(report: ContainerReport, userStopped: boolean): Promise<void> {
    const { name } = report;
    const found = this.#lifecycle.runningOf(name);
    if (found === undefined && !userStopped) return;
    await this.#records.put({
      name,
      revision: found?.revision ?? this.#revision(),
      pid: found?.running.initPid ?? 0,
      startedAt: report.startedAt ?? this.#clock.wall(),
      ready: report.status === 'READY',
      userStopped,
      ...(found?.address === undefined ? {} : { address: found.address }),
    });
  }
}

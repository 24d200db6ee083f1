/**
 * What an earlier runtime left on the machine: containers that still run are taken over, everything else is taken away, so that
 * nothing is there twice and nothing stays behind.
 */
import type { Event } from '@pantavisor/engine';
import { boardOwner } from '../board/board.ts';
import type { ContainerSource } from '../containers/launch.ts';
import type { Lifecycle } from '../containers/lifecycle.ts';
import type { ContainerRecord, ContainerRecords } from '../containers/records.ts';
import type { Host, RunningContainer } from '../host/ports.ts';
import type { Networks } from '../network/networks.ts';
import type { Log } from '../runtime/log.ts';
import type { MountLedger } from '../volumes/ledger.ts';
import type { Places } from './places.ts';

/** Directories of volumes that are no container's: those of the board, and those that are mounted aside. */
const ownFolders: ReadonlySet<string> = new Set([boardOwner, '.staged']);

type Adopted = Extract<Event, { type: 'revision.run' }>['adopted'][number];

export interface AdoptionRoom {
  host: Pick<Host, 'files' | 'containers' | 'clock'>;
  places: Places;
  ledger: MountLedger;
  records: ContainerRecords;
  lifecycle: Lifecycle;
  networks: Networks;
  log: Log;
  revision: string;
  /** Containers of the revision by name. */
  sources: ReadonlyMap<string, ContainerSource>;
  /** Containers that are the same in another revision: an update in place has left them running. */
  unchangedSince(revision: string): Promise<ReadonlySet<string>>;
}

/** Takes over or takes away. @returns what the engine has to know about the containers that were taken over or stopped by a person */
export async function adoptContainers(room: AdoptionRoom): Promise<Adopted[]> {
  const { places, ledger, records, sources } = room;
  const notes = new Map((await records.all()).map((record) => [record.name, record]));
  const names = await traces(room, notes.keys());
  await ledger.unmountBelow(`${places.volumes}/.staged`);
  const adopted = await Promise.all(names.map((name) => adoptOne(room, name, sources.get(name), notes.get(name))));
  return adopted.filter((one) => one !== undefined);
}

/** Names of containers that anything is there of. */
async function traces({ host, places, ledger }: AdoptionRoom, noted: Iterable<string>): Promise<string[]> {
  const names = new Set(noted);
  for (const { name, kind } of await host.files.list(places.lxc)) if (kind === 'directory') names.add(name);
  for (const target of ledger.below(places.volumes)) {
    const name = target.slice(places.volumes.length + 1).split('/')[0];
    if (name !== undefined && name !== '' && !ownFolders.has(name)) names.add(name);
  }
  return [...names].sort();
}

async function adoptOne(
  room: AdoptionRoom,
  name: string,
  source: ContainerSource | undefined,
  note: ContainerRecord | undefined,
): Promise<Adopted | undefined> {
  const { host, places, lifecycle, networks, records, log, revision } = room;
  const running = await host.containers.find(name, places.lxc);
  const isSame =
    note === undefined || note.revision === revision || (await room.unchangedSince(note.revision)).has(name);
  if (running !== undefined && source !== undefined && isSame) {
    if (note?.address !== undefined) networks.keep(source.container, note.address);
    await lifecycle.adopt(source, running, note?.address);
    log('INFO', 'boot', `took over ${name}, which was running (init pid ${running.initPid})`);
    return {
      name,
      pid: running.initPid,
      ready: note?.ready === true,
      ...(note === undefined ? {} : { startedAt: host.clock.monotonic() - (host.clock.wall() - note.startedAt) }),
    };
  }
  if (running !== undefined) await end(room, running);
  await lifecycle.sweep(name, source);
  if (source !== undefined && note?.userStopped === true && isSame) {
    log('INFO', 'boot', `${name} stays stopped, as it was asked to be`);
    return { name, pid: 0, ready: false, userStopped: true };
  }
  await records.remove(name);
  if (note !== undefined) log('INFO', 'boot', `${name} was running under an earlier runtime and has ended since`);
  return undefined;
}

/** A container of another revision: nothing is known about how it wants to be stopped any more. */
async function end({ host, log }: AdoptionRoom, running: RunningContainer): Promise<void> {
  log('WARN', 'boot', `ending ${running.name}, which runs and is not part of the revision`);
  await host.containers.kill(running);
  await host.containers.exited(running);
}

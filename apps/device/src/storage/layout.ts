/** Every path of the storage directory, as functions of revision, object, container and volume (storage.md §1 and §2). */
import { Failure } from '../runtime/failure.ts';
import { isRevisionName } from './revision-name.ts';

/** Paths inside one revision's directory `trails/<rev>`. */
export interface RevisionLayout {
  /** `trails/<rev>`, the checkout. */
  directory: string;
  /** `.pvr/json`: the state, byte exact. */
  state: string;
  /** `.pvr/config`: where the objects are, for pvr. */
  objectsConfig: string;
  /** `.pv`: what the device keeps about the revision. */
  device: string;
  progress: string;
  /** `.pv/reasons`: why the progress is what it is, for programs. */
  reasons: string;
  commitMessage: string;
  /** `.pv/done`: was the rollback point once. */
  done: string;
  /** `.pv/logs`: tail of the log of a failed update. */
  log: string;
  logTemporary: string;
  /** `logs/<rev>` */
  logs: string;
  /** `disks/rev/<rev>`: volumes that live as long as the revision. */
  volumes: string;
}

export interface StorageLayout {
  root: string;
  /** Empty file that is there when the storage is mounted; its file system is the one whose space counts. */
  mounted: string;
  /** Plan of the update in hand; absent when there is none. */
  journal: string;
  boot: string;
  config: string;
  cache: string;
  disks: string;
  /** `disks/rev`: volumes by revision. */
  revisionVolumes: string;
  logs: string;
  objects: string;
  /** `objects/<id>` */
  object(id: string): string;
  trails: string;
  /** Symbolic link to the running revision; its target is the bare name. */
  current: string;
  currentLogs: string;
  /** Fails with `revision-name` when the name cannot be one. */
  revision(name: string): RevisionLayout;
}

/**
 * @param places `storage` without a slash at the end, and the directory of logs (`PV_LOG_DIR`), usually below it
 */
export function storageLayout(places: { storage: string; logs: string }): StorageLayout {
  const root = places.storage;
  const trails = `${root}/trails`;
  const objects = `${root}/objects`;
  return {
    root,
    mounted: `${root}/.pvmounted`,
    journal: `${root}/update.json`,
    boot: `${root}/boot`,
    config: `${root}/config`,
    cache: `${root}/cache`,
    disks: `${root}/disks`,
    revisionVolumes: `${root}/disks/rev`,
    logs: places.logs,
    objects,
    object: (id) => `${objects}/${id}`,
    trails,
    current: `${trails}/current`,
    currentLogs: `${places.logs}/current`,
    revision: (name) => {
      if (!isRevisionName(name))
        throw new Failure('revision-name', `cannot use "${name}" as the name of a revision`, {
          hint: 'use a number of the Hub, or locals/ and a name of at most 64 characters without a slash',
        });
      const directory = `${trails}/${name}`;
      const device = `${directory}/.pv`;
      return {
        directory,
        state: `${directory}/.pvr/json`,
        objectsConfig: `${directory}/.pvr/config`,
        device,
        progress: `${device}/progress`,
        reasons: `${device}/reasons`,
        commitMessage: `${device}/commitmsg`,
        done: `${device}/done`,
        log: `${device}/logs`,
        logTemporary: `${device}/logs.tmp`,
        logs: `${places.logs}/${name}`,
        volumes: `${root}/disks/rev/${name}`,
      };
    },
  };
}

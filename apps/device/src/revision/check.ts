/** The files of a revision, proven container by container right before they are used (storage.md §2.2). */
import type { State } from '@pantavisor/state';
import type { Files } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';
import { expandRevision } from '../storage/expand.ts';
import type { StorageLayout } from '../storage/layout.ts';
import { validateRevision } from '../storage/validate.ts';

/**
 * Checks the files of one container at a time, so that a damaged one fails its own container alone and the first containers of a
 * large revision need not wait for the last object to be hashed. An object that several containers share is hashed once.
 */
export class RevisionCheck {
  readonly #files: Files;
  readonly #layout: StorageLayout;
  readonly #revision: string;
  readonly #state: State;
  readonly #checkContent: boolean;

  /** @param checkContent false trusts what is there (`PV_SECUREBOOT_CHECKSUM=0`) */
  constructor(files: Files, layout: StorageLayout, revision: string, state: State, checkContent: boolean) {
    this.#files = rememberDigests(files);
    this.#layout = layout;
    this.#revision = revision;
    this.#state = state;
    this.#checkContent = checkContent;
  }

  /** Lays the revision's files out unless they all are there. @returns keys without an object, which the checks will refuse */
  async expand(bootLinks: boolean): Promise<string[]> {
    const { directory } = this.#layout.revision(this.#revision);
    const { objects, inline } = this.#state;
    const present = await Promise.all(
      [...objects, ...inline].map(async ({ path }) => (await this.#files.status(`${directory}/${path}`)) !== undefined),
    );
    if (present.every(Boolean)) return [];
    const { missing } = await expandRevision(this.#files, this.#layout, this.#revision, this.#state, bootLinks);
    return missing.map(({ path }) => path);
  }

  /**
   * Checks what a container owns, or, without a name, what no container owns.
   * @throws Failure with the code of the first problem; its message names every file
   */
  async verify(owner?: string): Promise<void> {
    const objects = this.#state.objects.filter((entry) => entry.owner === owner);
    const inline = this.#state.inline.filter((entry) => entry.owner === owner);
    const { problems } = await validateRevision(
      this.#files,
      this.#layout,
      this.#revision,
      { objects, inline },
      this.#checkContent,
    );
    const [first] = problems;
    if (first === undefined) return;
    const { directory } = this.#layout.revision(this.#revision);
    throw new Failure(first.code, problems.map(({ message }) => message).join('; '), {
      file: `${directory}/${first.file}`,
      hint: 'install the revision again with its right objects',
    });
  }
}

function rememberDigests(files: Files): Files {
  const digests = new Map<string, Promise<string>>();
  const digest = (path: string) => {
    const known = digests.get(path) ?? files.digest(path);
    digests.set(path, known);
    return known;
  };
  return { ...files, digest };
}

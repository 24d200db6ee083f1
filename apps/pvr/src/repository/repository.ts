/** A repository: a working tree with a `.pvr` directory (pvr §1). */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { emptyConfig, objectsDirectory, type RepositoryConfig, readConfig, writeConfig } from './config.ts';
import { replaceFile } from './durable.ts';
import { withLock } from './lock.ts';
import { ObjectPool } from './objects.ts';
import { readStaged, type Staged, writeStaged } from './staged.ts';
import { readStateDocument, type StateDocument, writeStateDocument } from './values.ts';

export class Repository {
  /** Directory that holds `.pvr`. */
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /**
   * Opens the repository of a directory: its own, or that of the nearest directory above.
   * @throws Failure `no-repository`
   */
  static open(directory: string): Repository {
    for (let at = resolve(directory); ; at = dirname(at)) {
      if (Repository.isAt(at)) return new Repository(at);
      if (dirname(at) === at) break;
    }
    throw new Failure('no-repository', `cannot find a repository in ${resolve(directory)} or above it`, {
      exitCode: 2,
      hint: "'pvr init' makes one, 'pvr clone' fetches one",
    });
  }

  /** True when the directory itself holds a repository. */
  static isAt(directory: string): boolean {
    return statSync(join(directory, '.pvr', 'json'), { throwIfNoEntry: false })?.isFile() === true;
  }

  /**
   * Makes a repository. What is written last is what makes it one, so a cut leaves none or a whole one.
   * @param objectsDir as stored; empty for `.pvr/objects`
   * @throws Failure `already-repository`
   */
  static init(root: string, spec: string, objectsDir: string): Repository {
    const own = join(root, '.pvr');
    if (Repository.isAt(root))
      throw new Failure('already-repository', `cannot make a repository: ${own} is there already`);
    const config: RepositoryConfig = { ...emptyConfig, ObjectsDir: objectsDir };
    mkdirSync(own, { recursive: true });
    mkdirSync(objectsDirectory(config, root, own), { recursive: true });
    writeConfig(join(own, 'config'), config);
    replaceFile(join(own, 'json'), `{ "#spec": ${JSON.stringify(spec)} }`);
    return new Repository(root);
  }

  /** A path inside of `.pvr`. */
  own(name: string): string {
    return join(this.root, '.pvr', name);
  }

  get config(): RepositoryConfig {
    return readConfig(this.own('config'));
  }

  setConfig(change: Partial<RepositoryConfig>): void {
    writeConfig(this.own('config'), { ...this.config, ...change });
  }

  get objects(): ObjectPool {
    return new ObjectPool(objectsDirectory(this.config, this.root, this.own('')));
  }

  /** The committed state. @throws Failure `state-invalid` */
  readState(): StateDocument {
    return readStateDocument(this.readStateText(), this.own('json'));
  }

  /** The committed state as it is stored. */
  readStateText(): string {
    return readFileSync(this.own('json'), 'utf8');
  }

  /** Replaces the committed state, durably. All its objects must be in the pool. */
  writeState(state: StateDocument): void {
    replaceFile(this.own('json'), writeStateDocument(state));
  }

  readStaged(): Staged {
    return readStaged(this.own('new'));
  }

  writeStaged(staged: Staged): void {
    writeStaged(this.own('new'), staged);
  }

  /** Runs a change of the repository; a second one at the same time is refused. */
  change<T>(work: () => Promise<T>): Promise<T> {
    return withLock(this.own('lock'), work);
  }
}

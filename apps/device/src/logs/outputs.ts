/** Where entries go: the tree of files, the single file, standard output, or nowhere (logs.md §5). */
import type { DeviceConfig } from '../config/table.ts';
import type { Host } from '../host/ports.ts';
import type { LogRecord } from '../runtime/log.ts';
import { type LogEntry, levelNames } from './entry.ts';
import { LogFiles } from './files.ts';
import { LogKeeper } from './keeper.ts';
import { formatJson, formatLines, formatRaw, isOwn, type LineStyle } from './lines.ts';
import { timestampFormat } from './timestamp.ts';

/** Owner of the runtime's own messages. */
export const ownPlatform = 'pantavisor';
/** Sources of a container whose files LXC itself writes. */
export const lxcSources = ['lxc/lxc.log', 'lxc/console.log'] as const;
const longestName = 200;
const longestDepth = 8;

export interface OutputsRoom {
  host: Pick<Host, 'files' | 'streams' | 'clock' | 'text' | 'system'>;
  /** Directory of all logs. */
  directory: string;
  config: () => DeviceConfig;
}

type Styles = Record<'filetree' | 'singlefile' | 'stdout', LineStyle>;

export class LogOutputs {
  readonly #room: OutputsRoom;
  readonly #files: LogFiles;
  readonly keeper: LogKeeper;
  #revision: string;
  #styles: { config: DeviceConfig; styles: Styles } | undefined;

  constructor(room: OutputsRoom, revision: string) {
    this.#room = room;
    this.#revision = revision;
    const { host, directory, config } = room;
    const warn = (sentence: string) =>
      this.own({ at: host.clock.monotonic(), level: 'WARN', source: 'logs', message: sentence });
    this.keeper = new LogKeeper(
      {
        host,
        directory,
        settings: () => {
          const { PV_LOG_DIR_MAXSIZE, PV_LOG_HYSTERESIS_FACTOR, PV_LOG_ROTATE_FACTOR } = config();
          return { maximum: PV_LOG_DIR_MAXSIZE, hysteresis: PV_LOG_HYSTERESIS_FACTOR, rotate: PV_LOG_ROTATE_FACTOR };
        },
        warn,
      },
      this.revisionDirectory,
    );
    this.#files = new LogFiles({
      files: host.files,
      clock: host.clock,
      measure: (text) => (isAscii(text) ? text.length : host.text.encode(text).length),
      written: (path, bytes, size) => this.keeper.grown(path, bytes, size),
      failed: (path, error) =>
        host.system.print(
          'stderr',
          `cannot write the log ${path}: ${error instanceof Error ? error.message : error}\n`,
        ),
      dropped: (owner, entries) =>
        warn(`${entries} entries of ${owner} are lost: they came faster than they could be written`),
    });
  }

  /** The running revision. */
  get revision(): string {
    return this.#revision;
  }

  /** Directory of the logs of the running revision. */
  get revisionDirectory(): string {
    return `${this.#room.directory}/${this.#revision}`;
  }

  /** True when the tree of files is wanted. */
  get isTree(): boolean {
    return this.#room.config().PV_LOG_SERVER_OUTPUTS.includes('filetree');
  }

  /** True when what LXC writes by itself is wanted elsewhere, too. */
  get wantsLxc(): boolean {
    return this.#room.config().PV_LOG_SERVER_OUTPUTS.some((output) => output !== 'filetree' && output !== 'nullsink');
  }

  /** Takes a message of the runtime, which is filtered already. Never waits. */
  own({ at, level, source, message }: LogRecord): void {
    const { clock } = this.#room.host;
    const wall = clock.wall() - (clock.monotonic() - at);
    const number = levelNames.indexOf(level);
    const entry: LogEntry = {
      platform: ownPlatform,
      source,
      level: number,
      wall,
      at,
      protocol: 'legacy',
      data: message,
    };
    void this.#route(entry, true);
  }

  /**
   * Takes an entry.
   * @returns a promise when whoever sends should wait before it sends more
   */
  take(entry: LogEntry): Promise<void> | undefined {
    return this.#route(entry, entry.level <= this.#room.config().PV_LOG_LEVEL);
  }

  /** Entries belong to another revision from now on. */
  async moveTo(revision: string): Promise<void> {
    await this.flush();
    this.#revision = revision;
    this.#files.forget();
    this.keeper.moveTo(this.revisionDirectory);
  }

  /** Resolves when everything taken so far is on the disk, or lost. */
  written(): Promise<void> {
    return this.#files.written();
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    await this.#files.flush();
    await this.keeper.settled();
  }

  #route(entry: LogEntry, kept: boolean): Promise<void> | undefined {
    const { PV_LOG_SERVER_OUTPUTS: outputs } = this.#room.config();
    const styles = this.#stylesNow();
    const text = once(() => (typeof entry.data === 'string' ? entry.data : this.#room.host.text.decode(entry.data)));
    const waits: (Promise<void> | undefined)[] = [];
    if (kept && outputs.includes('filetree')) waits.push(this.#toTree(entry, text, styles.filetree));
    if (kept && outputs.includes('singlefile')) {
      const line = formatJson(entry, text(), styles.singlefile);
      if (line !== '') waits.push(this.#files.append(entry.platform, `${this.revisionDirectory}/pv.log`, line));
    }
    if (outputs.some((output) => isPrinted(output, entry)))
      this.#room.host.system.print('stdout', formatLines(entry, text(), styles.stdout));
    const open = waits.filter((wait) => wait !== undefined);
    return open.length === 0 ? undefined : Promise.all(open).then(() => undefined);
  }

  #toTree(entry: LogEntry, text: () => string, style: LineStyle): Promise<void> | undefined {
    const directory = `${this.revisionDirectory}/${safeName(entry.platform)}`;
    if (isOwn(entry)) {
      const line = formatLines(entry, text(), style);
      return line === '' ? undefined : this.#files.append(entry.platform, `${directory}/pantavisor.log`, line);
    }
    // LXC has written it there itself.
    if (lxcSources.some((source) => source === entry.source)) return undefined;
    const wanted = `${directory}/${safeSource(entry.source)}`;
    const path = this.#files.admit(entry.platform, wanted, `${directory}/other.log`);
    const shown = style.format === undefined ? entry : { ...entry, data: text() };
    const data = formatRaw(shown, style);
    return data.length === 0 ? undefined : this.#files.append(entry.platform, path, data);
  }

  #stylesNow(): Styles {
    const config = this.#room.config();
    if (this.#styles?.config === config) return this.#styles.styles;
    const time = config.PV_LOG_TIMESTAMP === 'absolute' ? 'absolute' : 'relative';
    const style = (format: string | undefined): LineStyle => ({ time, format: timestampFormat(format) });
    const styles = {
      filetree: style(config.PV_LOG_FILETREE_TIMESTAMP_FORMAT),
      singlefile: style(config.PV_LOG_SINGLEFILE_TIMESTAMP_FORMAT),
      stdout: style(config.PV_LOG_STDOUT_TIMESTAMP_FORMAT),
    };
    this.#styles = { config, styles };
    return styles;
  }
}

function isPrinted(output: DeviceConfig['PV_LOG_SERVER_OUTPUTS'][number], entry: LogEntry): boolean {
  if (output === 'stdout') return true;
  if (output === 'stdout.pantavisor') return isOwn(entry);
  if (output === 'stdout.containers') return !isOwn(entry);
  return output === 'stdout_direct' && (isOwn(entry) || lxcSources.some((source) => source === entry.source));
}

/** A name of one file: nothing that a message says leads out of the directory of its sender. */
function safeName(name: string): string {
  const plain = name.replace(/[\p{Cc}/]/gu, '_').slice(0, longestName);
  return plain === '' || plain === '.' || plain === '..' ? '_' : plain;
}

/** A path below a directory, from a source that may be an absolute path. */
function safeSource(source: string): string {
  const parts = source.split('/').filter((part) => part !== '');
  return parts.slice(0, longestDepth).map(safeName).join('/') || 'unknown';
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is meant
const isAscii = (text: string) => /^[\x00-\x7f]*$/.test(text);

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/options.ts';

/** One file of the built console, as `files.json` of the build lists it. */
export interface ConsoleFile {
  type: string;
  /** compressed forms that exist beside it */
  encodings: ('br' | 'gzip')[];
}

const suffixes = { br: '.br', gzip: '.gz' } as const;

/** The built console: small enough to be kept in memory once it was asked for. */
export class ConsoleFiles {
  readonly #folder: string;
  readonly #files: Map<string, ConsoleFile>;
  readonly #contents = new Map<string, Buffer>();
  /** the page, with `%NONCE%` where the nonce of an answer goes */
  readonly page: string;
  /** the page that shows a captcha */
  readonly captcha: string;

  private constructor(folder: string, files: Map<string, ConsoleFile>) {
    this.#folder = folder;
    this.#files = files;
    this.page = readFileSync(join(folder, 'index.html'), 'utf8');
    this.captcha = readFileSync(join(folder, 'captcha.html'), 'utf8').replaceAll(' nonce="%NONCE%"', '');
  }

  /** @returns the console, or why there is none */
  static open(config: Config): ConsoleFiles | string {
    const wanted = config['console-folder'];
    if (wanted === 'none') return 'this hub has no console (setting console-folder)';
    const folder = wanted || fileURLToPath(new URL('../../../../build/console', import.meta.url));
    try {
      const files = JSON.parse(readFileSync(join(folder, 'files.json'), 'utf8')) as Record<string, ConsoleFile>;
      return new ConsoleFiles(folder, new Map(Object.entries(files)));
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error;
      return `the console is not built: run 'node apps/console/build.ts' in the checkout, or name its folder (setting console-folder)`;
    }
  }

  /** A file in the best encoding that the client takes; undefined when there is no such file. */
  get(
    name: string,
    accepted: string,
  ): { type: string; encoding: 'br' | 'gzip' | undefined; content: Buffer } | undefined {
    const file = this.#files.get(name);
    if (file === undefined) return undefined;
    const taken = accepted.split(',').map((one) => one.trim().split(';')[0]);
    const encoding = file.encodings.find((one) => taken.includes(one));
    const path = encoding === undefined ? name : name + suffixes[encoding];
    const content = this.#contents.get(path) ?? readFileSync(join(this.#folder, path));
    this.#contents.set(path, content);
    return { type: file.type, encoding, content };
  }
}

/** Texts of configuration to settings: files, the kernel command line, the environment (config.md §4). Never throws. */
import type { ConfigWarning } from './warning.ts';

/** One `NAME=VALUE` as somebody wrote it. */
export interface Setting {
  name: string;
  value: string;
  /** File path, or `environment`, `kernel command line`. */
  source: string;
  line?: number;
}

export interface ParsedSource {
  settings: Setting[];
  warnings: ConfigWarning[];
}

/** Names that other parts of the system read from the same places and that are no keys. */
const boottimeNames = new Set([
  'rev',
  'try',
  'trying',
  'quickboot',
  'bootloader.dtb',
  'bootloader.ovl',
  'autogrow',
  'build_origin',
  'remount_policy',
  'debug',
  'embedded',
  'standalone',
  'appengine',
]);
/** Words of the kernel command line that stand for a setting when they have a value, as the kernel makes variables of such words only (storage.md §2.2). */
const shorthands: Readonly<Record<string, Pick<Setting, 'name' | 'value'>>> = {
  quickboot: { name: 'PV_SECUREBOOT_CHECKSUM', value: '0' },
};
const environmentNames = new Set([
  'PV_REMOUNT_POLICY',
  'PV_CTRL_SOCKET',
  'PV_APPENGINE_INITIAL_REV',
  'PV_DEBUG_SSH_PUBKEY',
]);

/**
 * Reads a configuration file: one `KEY=VALUE` a line, split at the first `=`, no quoting, the value verbatim. Lines that begin with
 * `#` are comments. Of a key that appears twice the last value counts.
 * @param text content of the file
 * @param path path of the file, for warnings
 */
export function parseFile(text: string, path: string): ParsedSource {
  const settings = new Map<string, Setting>();
  const warnings: ConfigWarning[] = [];
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  for (const [index, raw] of lines.entries()) {
    const content = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const place = { source: path, line: index + 1 };
    if (/^\s*(#|$)/.test(content)) continue;
    const equals = content.indexOf('=');
    const name = equals < 0 ? '' : content.slice(0, equals);
    if (name === '') {
      const message = `cannot read the line ${JSON.stringify(content.slice(0, 80))}`;
      warnings.push({ code: 'no-equals-sign', severity: 'warning', ...place, message, hint: 'write KEY=VALUE' });
      continue;
    }
    const identity = name.toUpperCase();
    const earlier = settings.get(identity);
    if (earlier) {
      const message = `is set twice, first in line ${earlier.line}; the last value counts`;
      warnings.push({ code: 'duplicate-key', severity: 'note', ...place, key: name, message });
    }
    settings.set(identity, { name, value: content.slice(equals + 1), ...place });
  }
  return { settings: [...settings.values()], warnings };
}

/**
 * Takes the tokens of one prefix from a kernel command line; the prefix is cut off. Tokens are separated by single blanks
 * and have no quoting; one without `=` has the empty value.
 * @param text the command line, at most 1024 bytes of it are used
 * @param prefix `pv_` or `ph_`
 */
export function parseCommandLine(text: string, prefix: 'pv_' | 'ph_'): Setting[] {
  const tokens = text
    .slice(0, 1024)
    .replace(/[\r\n]+$/, '')
    .split(' ');
  return tokens.flatMap((token): Setting[] => {
    if (!token.startsWith(prefix)) return [];
    const rest = token.slice(prefix.length);
    const equals = rest.indexOf('=');
    const name = equals < 0 ? rest : rest.slice(0, equals);
    const meant = prefix === 'pv_' && equals >= 0 ? shorthands[name] : undefined;
    if (meant !== undefined) return [{ ...meant, source: 'kernel command line' }];
    if (name === '' || boottimeNames.has(name)) return [];
    return [{ name, value: equals < 0 ? '' : rest.slice(equals + 1), source: 'kernel command line' }];
  });
}

/**
 * Takes the variables that begin with `PV_` or `PH_`, in any case, from the environment. The kernel puts words of its command line there, too,
 * as far as they are none of its own parameters; those that name no key are left out.
 */
export function parseEnvironment(environment: Readonly<Record<string, string>>): Setting[] {
  return Object.entries(environment).flatMap(([name, value]): Setting[] =>
    /^P[VH]_/i.test(name) && !isBootWord(name) && !environmentNames.has(name)
      ? [{ name, value, source: 'environment' }]
      : [],
  );
}

const isBootWord = (name: string) => name.startsWith('pv_') && boottimeNames.has(name.slice('pv_'.length));

/** What the program was asked on its command line (config.md §5). */
export interface ProgramArguments {
  help: boolean;
  version: boolean;
  manifest: boolean;
  /** Path of the configuration file. */
  config?: string;
  /** Replaces /proc/cmdline. */
  cmdline?: string;
  initMode?: 'embedded' | 'standalone' | 'appengine';
  debug: boolean;
  /** Arguments that mean nothing to us; PID 1 gets such from the kernel. */
  unknown: string[];
}

/** Reads the program's arguments. The last one of a kind counts; an option without its value is reported as unknown. */
export function parseArguments(argv: readonly string[]): ProgramArguments {
  const parsed: ProgramArguments = { help: false, version: false, manifest: false, debug: false, unknown: [] };
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index]!;
    const [name, inline] = word.startsWith('--') && word.includes('=') ? splitOnce(word) : [word, undefined];
    if (name === '--config' || name === '--cmdline') {
      const value = inline ?? argv[index + 1];
      if (value === undefined) {
        parsed.unknown.push(word);
        continue;
      }
      if (inline === undefined) index += 1;
      if (name === '--config') parsed.config = value;
      else parsed.cmdline = value;
    } else if (word === '--help' || word === '-h') parsed.help = true;
    else if (word === '--version') parsed.version = true;
    else if (word === '--manifest') parsed.manifest = true;
    else if (word === 'pv_embedded') parsed.initMode = 'embedded';
    else if (word === 'pv_standalone') parsed.initMode = 'standalone';
    else if (word === 'pv_appengine') parsed.initMode = 'appengine';
    else if (word === 'pv_debug') parsed.debug = true;
    else parsed.unknown.push(word);
  }
  return parsed;
}

function splitOnce(word: string): [string, string] {
  const equals = word.indexOf('=');
  return [word.slice(0, equals), word.slice(equals + 1)];
}

/** Reads the configuration at process start, in the order of config.md §3; later sources are in `later.ts`. */
import { type Files, HostError } from '../host/ports.ts';
import { packagedSettings } from './packaged.ts';
import { parseArguments, parseCommandLine, parseEnvironment, parseFile, type Setting } from './source.ts';
import { ConfigStore } from './store.ts';
import type { SysctlSetting } from './sysctl.ts';
import type { DeviceConfig } from './table.ts';
import type { ConfigWarning } from './warning.ts';

/** Why the device cannot start with its configuration; the original exits with status 1. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly code: 'config-unreadable' | 'policy-unreadable';
  readonly path: string;
  constructor(code: ConfigError['code'], path: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

export interface LoadRequest {
  files: Pick<Files, 'readText'>;
  environment: Readonly<Record<string, string>>;
  /** Kernel command line; absent: `--cmdline`, else /proc/cmdline. */
  cmdline?: string;
  /** Arguments of the program, without its name. */
  arguments: readonly string[];
}

export interface LoadedConfig {
  config: DeviceConfig;
  store: ConfigStore;
  /** What was wrong, in the order in which it was found. */
  warnings: ConfigWarning[];
  /** Kernel parameters to write, in order. */
  sysctls: SysctlSetting[];
  /** File that was read, or undefined when a packaged set stands in for it. */
  file: string | undefined;
  /** The kernel command line that was used; `ph_` tokens are applied with the Hub's file. */
  cmdline: string;
}

const configPath = '/etc/pantavisor.config';
/** Far more than any configuration; a larger file is a mistake. */
const fileLimit = 1024 * 1024;

/**
 * Loads and applies all sources that exist at process start. Mistakes in them are warnings; a named file that cannot be read is an error.
 * Without `--config` and without /etc/pantavisor.config the packaged set of the mode stands in.
 * @throws ConfigError `config-unreadable`, `policy-unreadable`
 */
export async function loadConfig(request: LoadRequest): Promise<LoadedConfig> {
  const { files, environment } = request;
  const program = parseArguments(request.arguments);
  const cmdline = request.cmdline ?? program.cmdline ?? (await readOptional(files, '/proc/cmdline')) ?? '';
  const fromEnvironment = parseEnvironment(environment);
  const fromCommandLine = parseCommandLine(cmdline, 'pv_');

  const warnings: ConfigWarning[] = [];
  const sysctls: SysctlSetting[] = [];
  const path = program.config ?? configPath;
  const text = await readConfigFile(files, path, program.config !== undefined);
  const fromFile = text === undefined ? { settings: [], warnings: [] } : parseFile(text, path);
  warnings.push(...fromFile.warnings);

  const mode = program.initMode ?? lastValue(fromEnvironment, 'PV_SYSTEM_INIT_MODE');
  const storage = lastValue(fromEnvironment, 'PV_STORAGE_MNTPOINT');
  const packaged = packagedSettings(mode === 'appengine' ? 'appengine' : 'embedded', storage);
  const store = new ConfigStore(text === undefined ? packaged : []);
  const apply = (settings: readonly Setting[], level: 'pv conf file' | 'policy' | 'pv cmdline' | 'env') => {
    const applied = store.apply(settings, level);
    warnings.push(...applied.warnings);
    sysctls.push(...applied.sysctls);
  };

  apply(fromFile.settings, 'pv conf file');
  const policy = choosePolicy([fromCommandLine, fromEnvironment, fromFile.settings], warnings);
  if (policy !== undefined) {
    const policyPath = `${store.snapshot().PV_SYSTEM_ETCPANTAVISORDIR}/policies/${policy}.config`;
    const parsed = parseFile(await readPolicyFile(files, policyPath, policy), policyPath);
    warnings.push(...parsed.warnings);
    apply(parsed.settings, 'policy');
  }
  apply(fromCommandLine, 'pv cmdline');
  apply(fromEnvironment, 'env');
  if (program.initMode !== undefined) store.assign('PV_SYSTEM_INIT_MODE', program.initMode, 'args');
  if (program.debug) {
    for (const key of ['PV_DEBUG_SHELL', 'PV_DEBUG_SHELL_AUTOLOGIN', 'PV_DEBUG_SSH'] as const)
      store.assign(key, '1', 'args');
  }
  return {
    config: store.snapshot(),
    store,
    warnings,
    sysctls,
    file: text === undefined ? undefined : path,
    cmdline,
  };
}

const isPolicyName = (name: string) => /^(PV_POLICY)$/i.test(name) || name === 'policy';

function lastValue(settings: readonly Setting[], key: string): string | undefined {
  return settings.findLast(({ name }) => name.toUpperCase() === key)?.value;
}

/** The first source with a usable name decides. */
function choosePolicy(sources: readonly (readonly Setting[])[], warnings: ConfigWarning[]): string | undefined {
  for (const settings of sources) {
    const setting = settings.findLast(({ name }) => isPolicyName(name));
    if (!setting) continue;
    const { name: key, value, source, line } = setting;
    if (value !== '' && !value.includes('/')) return value;
    const place = { source, ...(line === undefined ? {} : { line }), key };
    const message = `cannot use ${JSON.stringify(value)} as the name of a policy`;
    const hint = 'write the file name without .config and without a directory';
    warnings.push({ code: 'unusable-policy-name', severity: 'warning', ...place, message, hint });
  }
  return undefined;
}

async function readOptional(files: Pick<Files, 'readText'>, path: string): Promise<string | undefined> {
  try {
    return await files.readText(path, fileLimit);
  } catch (error) {
    if (error instanceof HostError && (error.code === 'ENOENT' || error.code === 'EACCES')) return undefined;
    throw error;
  }
}

async function readConfigFile(
  files: Pick<Files, 'readText'>,
  path: string,
  required: boolean,
): Promise<string | undefined> {
  try {
    return await files.readText(path, fileLimit);
  } catch (cause) {
    if (!required && cause instanceof HostError && cause.code === 'ENOENT') return undefined;
    const reason = cause instanceof HostError ? cause.code : String(cause);
    throw new ConfigError('config-unreadable', path, `cannot read the configuration ${path}: ${reason}`, { cause });
  }
}

async function readPolicyFile(files: Pick<Files, 'readText'>, path: string, policy: string): Promise<string> {
  try {
    return await files.readText(path, fileLimit);
  } catch (cause) {
    const reason = cause instanceof HostError ? cause.code : String(cause);
    const message = `cannot read the policy ${policy} from ${path}: ${reason}; put the file there or unset PV_POLICY`;
    throw new ConfigError('policy-unreadable', path, message, { cause });
  }
}

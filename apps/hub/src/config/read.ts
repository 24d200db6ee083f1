import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, type Option, type OptionName, optionNames, options } from './options.ts';

export interface ConfigSources {
  /** values of the command line by option name */
  flags?: Partial<Record<OptionName, string | number | boolean>>;
  env?: Record<string, string | undefined>;
  /** reads the settings file; undefined = it does not exist */
  readFile?: (path: string) => string | undefined;
}

/** The settings are wrong; `problems` has one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: string[];
  constructor(problems: string[]) {
    super(`cannot start with these settings:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Puts the settings together: command line over environment over file over built-in values.
 * @throws ConfigError with every problem found
 */
export function readConfig({ flags = {}, env = {}, readFile = readIfThere }: ConfigSources): Config {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  const early = (name: 'data' | 'config') => String(flags[name] ?? env[options[name].env] ?? options[name].fallback);
  const explicit = early('config');
  const file = explicit === '' ? join(early('data'), 'pantahub.json') : explicit;
  const written = readSettings(file, readFile(file), explicit !== '', problems);
  for (const name of optionNames) {
    const option: Option = options[name];
    const [value, place] =
      flags[name] !== undefined
        ? [flags[name], `--${name}`]
        : env[option.env] !== undefined
          ? [env[option.env], option.env]
          : written[name] !== undefined
            ? [written[name], `${file}: ${name}`]
            : [option.fallback, name];
    values[name] = convert(option, value, place, problems);
  }
  for (const name of Object.keys(written))
    if (!(name in options)) problems.push(`${file}: there is no setting '${name}'`);
  const config = values as Config;
  checkTogether(config, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** ISO 8601 duration to milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  if (match === null || /[PT]$/.test(text)) return undefined;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function readSettings(file: string, text: string | undefined, needed: boolean, problems: string[]) {
  if (text === undefined) {
    if (needed) problems.push(`${file}: this file does not exist`);
    return {};
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
    problems.push(`${file}: must be a JSON object`);
  } catch (error) {
    problems.push(`${file}: is not JSON (${(error as Error).message})`);
  }
  return {};
}

function convert(option: Option, value: unknown, place: string, problems: string[]): unknown {
  const wrong = (wanted: string) => {
    problems.push(`${place}: ${option.secret === true ? 'the value' : `'${String(value)}'`} is not ${wanted}`);
    return option.fallback;
  };
  switch (option.kind) {
    case 'text':
      if (typeof value !== 'string') return wrong('a text');
      if (option.choices !== undefined && !option.choices.includes(value))
        return wrong(`one of ${option.choices.join(', ')}`);
      return value;
    case 'flag':
      if (value === true || value === 'true' || value === '1') return true;
      return value === false || value === 'false' || value === '0' || value === '' ? false : wrong('true or false');
    case 'integer': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isSafeInteger(number)) return wrong('a whole number');
      return number < (option.least ?? 0) ? wrong(`at least ${option.least ?? 0}`) : number;
    }
    case 'duration':
      return parseDuration(String(value)) ?? wrong('an ISO 8601 duration such as P2D or PT30M');
  }
}

function checkTogether(config: Config, problems: string[]): void {
  if (config.port < 0 && config['tls-port'] < 0) problems.push('port and tls-port: at least one of them is needed');
  if (config.tls === 'files' && config['tls-port'] >= 0)
    for (const name of ['tls-cert', 'tls-key'] as const)
      if (config[name] === '') problems.push(`${name}: is needed with tls=files`);
  if (config.blobs === 's3')
    for (const name of ['s3-endpoint', 's3-access-key', 's3-secret-key'] as const)
      if (config[name] === '') problems.push(`${name}: is needed with blobs=s3`);
  if (config.captcha)
    for (const name of ['captcha-url', 'captcha-secret'] as const)
      if (config[name] === '') problems.push(`${name}: is needed with captcha`);
  // They go into a header of the page as they are.
  for (const source of config['captcha-sources'].split(/\s+/))
    if (!/^(https?:\/\/[\w.*:-]+[\w./%~-]*)?$/.test(source)) problems.push(`captcha-sources: '${source}' is no source`);
  if (!/^https?:\/\//.test(config['captcha-script']) || !URL.canParse(config['captcha-script']))
    problems.push('captcha-script: must be an http or https address');
  if (!/^\/[\w./-]*$/.test(config['signup-path'])) problems.push('signup-path: must be a path such as /signup');
  if (config['device-ca'] === '')
    for (const name of ['device-ca-key', 'proxy-tls-token'] as const)
      if (config[name] !== '') problems.push(`${name}: makes sense only with device-ca`);
  if (config['gc-grace'] < 24 * 3600 * 1000)
    problems.push('gc-grace: must be at least P1D, because signed addresses live for a day');
}

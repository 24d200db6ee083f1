/** `config.json` of the config directory, shared with the original. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@pantavisor/cli';
import { replaceFile } from '../repository/durable.ts';

interface GlobalConfig {
  Spec: string;
  AutoUpgrade: boolean;
  DistributionTag: string;
}

/**
 * Reads the settings and changes those given as `key=value`; words without `=` and unknown keys mean nothing, as in the
 * original.
 */
export function changeGlobalConfig(directory: string, assignments: readonly string[]): GlobalConfig {
  const path = join(directory, 'config.json');
  const config: GlobalConfig = { Spec: '1', AutoUpgrade: true, DistributionTag: 'develop' };
  if (existsSync(path)) {
    try {
      Object.assign(config, JSON.parse(readFileSync(path, 'utf8')));
    } catch (cause) {
      throw new Failure('config-invalid', `cannot read ${path}: ${(cause as Error).message}`, { cause, exitCode: 4 });
    }
  }
  const before = JSON.stringify(config);
  for (const word of assignments) {
    const [key = '', ...rest] = word.split('=');
    const value = rest.join('=');
    if (rest.length === 0) continue;
    if (key === 'Spec' || key === 'DistributionTag') config[key] = value;
    else if (key === 'AutoUpgrade') config.AutoUpgrade = value === 'true';
  }
  if (JSON.stringify(config) !== before || !existsSync(path)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    replaceFile(path, JSON.stringify(config));
  }
  return config;
}

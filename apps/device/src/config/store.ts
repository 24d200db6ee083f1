/** The configuration of a running device: for every key the values of all levels, of which the highest counts (config.md §2, §6). */
import { type ConfigValue, type Level, levelSets, levels } from './key-spec.ts';
import type { Setting } from './source.ts';
import { isSysctl, type SysctlSetting } from './sysctl.ts';
import { type ConfigKey, configKeys, type DeviceConfig, findKey, rowOf } from './table.ts';
import { parseValue, valueAsJson, valueAsText } from './value.ts';
import { type ConfigWarning, nearest } from './warning.ts';

interface Layer {
  level: Level;
  value: ConfigValue;
  /** Name under which it was set; several may hold one key at level `metadata`. */
  name: string;
}

/** One line of `GET /config2`. */
export interface ConfigEntry {
  key: string;
  value: string;
  /** Level that the value comes from. */
  modified: Level;
}

/** Settings at one of these levels may carry kernel parameters; metadata may not, whatever the original lets pass. */
const sysctlLevels: readonly Level[] = ['pv conf file', 'policy', 'oem config', 'pv cmdline', 'env'];
const rank = (level: Level) => levels.indexOf(level);
/** What stands in lists for a secret that is set. */
const masked = 'XXXX';

/** Outcome of applying settings: kernel parameters are only collected, writing them is the caller's business. */
export interface Applied {
  warnings: ConfigWarning[];
  sysctls: SysctlSetting[];
}

/**
 * Holds every key of the table. Snapshots are frozen and stay valid; a change makes a new one and tells the listeners.
 */
export class ConfigStore {
  readonly #layers = new Map<string, Layer[]>();
  readonly #listeners = new Set<(config: DeviceConfig, changed: ReadonlySet<string>) => void>();
  #snapshot: DeviceConfig | undefined;

  /** @param defaults values that replace the table's defaults, e.g. a packaged set for app-engine mode */
  constructor(defaults: readonly Setting[] = []) {
    for (const row of configKeys) this.#layers.set(row.key, [{ level: 'default', value: row.default, name: row.key }]);
    for (const { name, value } of defaults) {
      const row = findKey(name)?.row;
      const parsed = row && parseValue(row, value);
      if (row && parsed?.ok) this.#layers.set(row.key, [{ level: 'default', value: parsed.value, name: row.key }]);
    }
  }

  /** All values now, frozen. The same object until something changes. */
  snapshot(): DeviceConfig {
    if (!this.#snapshot) {
      const values = Object.fromEntries(configKeys.map(({ key }) => [key, this.#top(key).value]));
      // The table gives both the keys and, through parseValue, the kinds of their values.
      this.#snapshot = Object.freeze(values) as DeviceConfig;
    }
    return this.#snapshot;
  }

  /** Level that the value of a key comes from. */
  levelOf(key: ConfigKey): Level {
    return this.#top(key).level;
  }

  /**
   * Sets what is allowed at a level; the rest is skipped and reported.
   * @param options `replace` first forgets everything that was set at that level
   */
  apply(settings: readonly Setting[], level: Level, options: { replace?: boolean } = {}): Applied {
    const applied: Applied = { warnings: [], sysctls: [] };
    if (settings.length === 0 && !options.replace) return applied;
    this.#change(() => {
      if (options.replace) this.#forget(level);
      for (const setting of settings) this.#applyOne(setting, level, applied);
    });
    return applied;
  }

  /** Sets a key whatever was set before at whatever level: program arguments and the Hub client's own credentials do so. */
  assign(key: ConfigKey, text: string, level: 'args' | 'hub client'): void {
    const parsed = parseValue(rowOf(key), text);
    if (!parsed.ok) throw new RangeError(`cannot assign ${key}: ${JSON.stringify(text)} is not ${parsed.expected}`);
    this.#change(() => {
      const below = this.#layers.get(key)!.filter((layer) => rank(layer.level) < rank(level));
      this.#layers.set(key, [...below, { level, value: parsed.value, name: key }]);
    });
  }

  /** Tries a pair of user metadata as a setting (config.md §6). An unknown name is only a note: most metadata is no configuration. */
  override(name: string, text: string): ConfigWarning[] {
    const { warnings } = this.apply([{ name, value: text, source: 'user metadata' }], 'metadata');
    return warnings.map((warning) => (warning.code === 'unknown-key' ? { ...warning, severity: 'note' } : warning));
  }

  /** Takes back what `override` of the same name set: the value before shows again. Unknown names do nothing. */
  release(name: string): void {
    const row = findKey(name)?.row;
    if (!row) return;
    this.#change(() => {
      const layers = this.#layers.get(row.key)!;
      this.#layers.set(
        row.key,
        layers.filter((layer) => layer.level !== 'metadata' || layer.name !== name),
      );
    });
  }

  /**
   * Every key in table order with its value as text (`GET /config2`).
   * @param options `reveal` shows secrets in clear; give it to root on the host only
   */
  list(options: { reveal: boolean }): ConfigEntry[] {
    return configKeys.map((row) => {
      const { value, level } = this.#top(row.key);
      const hidden = row.secret && !options.reveal && value !== undefined;
      return { key: row.key, value: hidden ? masked : valueAsText(row, value), modified: level };
    });
  }

  /** The keys that have an older name, under its first one, as JSON values in table order (`GET /config`). */
  legacyList(options: { reveal: boolean }): Record<string, string | number | boolean | null> {
    return Object.fromEntries(
      configKeys.flatMap((row) => {
        const alias = row.aliases[0];
        if (alias === undefined) return [];
        const { value } = this.#top(row.key);
        const hidden = row.secret && !options.reveal && value !== undefined;
        return [[alias, hidden ? masked : valueAsJson(row, value)]];
      }),
    );
  }

  /** Calls back after each change with the new snapshot and the keys whose value differs; the result ends it. */
  subscribe(listener: (config: DeviceConfig, changed: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #top(key: string): Layer {
    return this.#layers.get(key)!.at(-1)!;
  }

  #applyOne(setting: Setting, level: Level, applied: Applied): void {
    const { name, value, source, line } = setting;
    const place = { source, ...(line === undefined ? {} : { line }), key: name };
    if (isSysctl(name)) {
      if (sysctlLevels.includes(level)) applied.sysctls.push({ ...setting });
      else {
        const message = `cannot set a kernel parameter at level ${level}`;
        applied.warnings.push({ code: 'sysctl-level', severity: 'warning', ...place, message });
      }
      return;
    }
    const found = findKey(name);
    if (!found) {
      const near = nearest(
        name.toUpperCase(),
        configKeys.map((row) => row.key),
      );
      const hint = near === undefined ? undefined : `did you mean ${near}?`;
      const message = 'cannot use an unknown key';
      applied.warnings.push({ code: 'unknown-key', severity: 'warning', ...place, message, ...(hint ? { hint } : {}) });
      return;
    }
    const { row, legacy } = found;
    const allowed: readonly Level[] = levelSets[row.levels];
    if (!allowed.includes(level)) {
      const message = `cannot set ${row.key} at level ${level}`;
      const hint = `it is allowed at: ${allowed.join(', ')}`;
      applied.warnings.push({ code: 'level-not-allowed', severity: 'warning', ...place, message, hint });
      return;
    }
    const parsed = parseValue(row, value);
    if (!parsed.ok) {
      const shown = row.secret ? masked : JSON.stringify(value.slice(0, 80));
      const message = `cannot use the value ${shown} for ${row.key}`;
      applied.warnings.push({
        code: 'invalid-value',
        severity: 'warning',
        ...place,
        message,
        hint: `expected ${parsed.expected}`,
      });
      return;
    }
    if (legacy) {
      const message = `is an older name of ${row.key}`;
      applied.warnings.push({ code: 'legacy-name', severity: 'note', ...place, message });
    }
    if (parsed.dropped.length > 0) {
      const message = `cannot use ${parsed.dropped.map((item) => JSON.stringify(item)).join(', ')} in ${row.key}`;
      applied.warnings.push({ code: 'value-dropped', severity: 'warning', ...place, message });
    }
    this.#insert(row.key, { level, value: parsed.value, name });
  }

  #forget(level: Level): void {
    for (const [key, layers] of this.#layers) {
      this.#layers.set(
        key,
        layers.filter((layer) => layer.level !== level || level === 'default'),
      );
    }
  }

  #insert(key: string, layer: Layer): void {
    const rest = this.#layers
      .get(key)!
      .filter((other) => other.level !== layer.level || (layer.level === 'metadata' && other.name !== layer.name));
    const above = rest.findIndex((other) => rank(other.level) > rank(layer.level));
    rest.splice(above < 0 ? rest.length : above, 0, layer);
    this.#layers.set(key, rest);
  }

  #change(edit: () => void): void {
    const before = this.snapshot();
    edit();
    this.#snapshot = undefined;
    const after = this.snapshot();
    const values = (config: DeviceConfig): Record<string, ConfigValue> => config;
    const changed = new Set(
      configKeys.map(({ key }) => key).filter((key) => !sameValue(values(before)[key], values(after)[key])),
    );
    if (changed.size === 0) this.#snapshot = before;
    else for (const listener of [...this.#listeners]) listener(after, changed);
  }
}

function sameValue(left: ConfigValue, right: ConfigValue): boolean {
  return left === right || (typeof left === 'object' && typeof right === 'object' && left.join() === right.join());
}

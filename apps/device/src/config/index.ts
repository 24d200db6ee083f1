/** What others may know of the device's configuration: whoever writes it for a device asks here whether the device will understand it. */
import type { Level } from './key-spec.ts';
import { ConfigStore } from './store.ts';
import type { ConfigWarning } from './warning.ts';

/** The warning as what follows the name of the key in a sentence. */
function predicate({ code, message, hint = '' }: ConfigWarning): string {
  if (code === 'unknown-key') return `is not known${hint === '' ? '' : `; ${hint}`}`;
  if (code === 'level-not-allowed') return `does not count here: ${hint}`;
  if (code === 'invalid-value') return `must be ${hint.replace(/^expected /, '')}`;
  return `is refused: ${message}`;
}

/**
 * What a device would say against settings.
 * @param settings texts by key
 * @param level where they are to stand
 * @returns for each setting that would be skipped or cut its key, and why as a sentence without subject
 */
export function whyNotSettings(
  settings: Readonly<Record<string, string>>,
  level: Extract<Level, 'pv conf file' | 'ph conf file'>,
): { key: string; message: string }[] {
  const list = Object.entries(settings).map(([name, value]) => ({ name, value, source: 'recipe' }));
  return new ConfigStore()
    .apply(list, level)
    .warnings.filter(({ severity }) => severity === 'warning')
    .map((warning) => ({ key: warning.key ?? '', message: predicate(warning) }));
}

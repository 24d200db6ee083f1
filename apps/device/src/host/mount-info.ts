/** The mount table in the form of /proc/PID/mountinfo (proc(5)), for every host. */
import type { MountEntry } from './ports.ts';

export interface MountInfo extends MountEntry {
  /** What of the file system is mounted. */
  root: string;
  superOptions: string;
}

/**
 * Entries, oldest first; lines that do not have the shape are left out.
 */
export function parseMountInfo(text: string): MountInfo[] {
  const entries: MountInfo[] = [];
  for (const line of text.split('\n')) {
    const [own, shared] = line.split(' - ');
    const [, , device, root, target] = (own ?? '').split(' ');
    const [type, source, superOptions = ''] = (shared ?? '').split(' ');
    if (
      device === undefined ||
      root === undefined ||
      target === undefined ||
      type === undefined ||
      source === undefined
    )
      continue;
    entries.push({
      source: unescapeField(source),
      target: unescapeField(target),
      type,
      device,
      root: unescapeField(root),
      superOptions,
    });
  }
  return entries;
}

/** Runs of escaped bytes may be one character of UTF-8; bytes that are none stay escaped. */
function unescapeField(field: string): string {
  if (!field.includes('\\')) return field;
  return field.replace(/(?:\\[0-7]{3})+/g, (run) => {
    const bytes = run.slice(1).split('\\');
    const encoded = bytes.map((octal) => `%${Number.parseInt(octal, 8).toString(16).padStart(2, '0')}`);
    try {
      return decodeURIComponent(encoded.join(''));
    } catch {
      return run;
    }
  });
}

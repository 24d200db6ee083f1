/** The mount table in the form of /proc/PID/mountinfo (proc(5)), for every host. */
import type { MountEntry } from './ports.ts';

export interface MountInfo extends MountEntry {
  /** What of the file system is mounted. */
  root: string;
  superOptions: string;
}

/**
 * Entries, oldest first; lines that do not have the shape are left out.
 * The text is UTF-8 already decoded; the kernel's octal escapes only stand for blanks, tabs, line ends and backslashes.
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

function unescapeField(field: string): string {
  if (!field.includes('\\')) return field;
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

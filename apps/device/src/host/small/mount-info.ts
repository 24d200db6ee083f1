/** The mount table in the form of /proc/PID/mountinfo (proc(5)). */
import { decodeText, encodeText } from '@pantavisor/small-host';
import type { MountEntry } from '../ports.ts';

/** Entries, oldest first; lines that do not have the shape are left out. */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const [own, shared] = line.split(' - ');
    const [, , device, , target] = (own ?? '').split(' ');
    const [type, source] = (shared ?? '').split(' ');
    if (device === undefined || target === undefined || type === undefined || source === undefined) continue;
    entries.push({ source: unescapeField(source), target: unescapeField(target), type, device });
  }
  return entries;
}

/** The kernel writes blanks and such as three octal digits, byte by byte of UTF-8. */
function unescapeField(field: string): string {
  if (!field.includes('\\')) return field;
  const bytes: number[] = [];
  for (let index = 0; index < field.length; index += 1) {
    const octal = field[index] === '\\' ? field.slice(index + 1, index + 4) : '';
    if (/^[0-7]{3}$/.test(octal)) {
      bytes.push(Number.parseInt(octal, 8));
      index += 3;
    } else bytes.push(...encodeText(field[index]!));
  }
  return decodeText(Uint8Array.from(bytes));
}

/** `mount_options` of a disk: words of the kernel's header as the original takes them (boot.md §5). */
import type { MountFlag } from '../host/ports.ts';

const flags: Readonly<Record<string, MountFlag | undefined>> = {
  MS_DIRSYNC: 'dirsync',
  MS_LAZYTIME: 'lazytime',
  MS_MANDLOCK: 'mandlock',
  MS_NOATIME: 'noatime',
  MS_NODEV: 'nodev',
  MS_NODIRATIME: 'nodiratime',
  MS_NOEXEC: 'noexec',
  MS_NOSUID: 'nosuid',
  MS_RDONLY: 'readonly',
  MS_REC: 'recursive',
  MS_RELATIME: 'relatime',
  MS_SILENT: 'silent',
  MS_STRICTATIME: 'strictatime',
  MS_SYNCHRONOUS: 'synchronous',
};

/** Reads the options. @returns the flags, and the words that are none */
export function readMountOptions(text: string | undefined): { flags: MountFlag[]; unknown: string[] } {
  const words = (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  return {
    flags: words.flatMap((word) => flags[word] ?? []),
    unknown: words.filter((word) => flags[word] === undefined),
  };
}

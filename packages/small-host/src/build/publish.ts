/** Products of a build where others find them, put there so that builds beside each other never see half of one. */
import { copyFileSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { type TargetName, targets } from './toolchain.ts';

/** The target that a build program's first argument names; without one, that of this machine. @returns undefined when there is none of that name */
export function targetNamed(argument: string | undefined): TargetName | undefined {
  const name = argument ?? (process.arch === 'arm64' ? 'arm64' : 'x64');
  return Object.hasOwn(targets, name) ? (name as TargetName) : undefined;
}

/** Puts a copy of an executable at `product`, in place of what was there. */
export function publish(executable: string, product: string): void {
  const temporary = `${product}.${process.pid}.tmp`;
  copyFileSync(executable, temporary);
  renameSync(temporary, product);
}

/** Makes `path` a symbolic link to `target`, in place of what was there. */
export function publishLink(target: string, path: string): void {
  if (linkAt(path) === target) return;
  const temporary = `${path}.${process.pid}.tmp`;
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

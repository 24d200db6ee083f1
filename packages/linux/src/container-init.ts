/** The program that a container's init is started through (native/container-init). */
import { buildFolder } from './build-folder.ts';

/** Where the program lies: static, a few kilobytes, to be mounted into containers. */
export function containerInitPath(): string {
  return `${buildFolder(process.arch)}container-init`;
}

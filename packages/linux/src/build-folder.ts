import { fileURLToPath } from 'node:url';

/** Folder of what was built for an architecture (by Node's names: `x64`, `arm64`), inside the checkout's `build/`. */
export function buildFolder(architecture: string): string {
  return fileURLToPath(new URL(`../../../build/linux/${architecture}/`, import.meta.url));
}

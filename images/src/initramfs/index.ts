/** The initramfs of a device, and the archive of kernel modules beside it. */
export {
  buildInitramfs,
  buildModuleAddon,
  type Compression,
  compress,
  type Initramfs,
  type InitramfsRequest,
} from './build.ts';
export { bootModules, moduleArchive } from './modules.ts';
export type { InitramfsFile, InitramfsTree } from './tree.ts';

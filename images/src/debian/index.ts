/** Material from Debian for images and for tests of them. */
export { type CpioEntry, cpioArchive } from '../archive/cpio.ts';
export { type DebianKernel, debianKernel } from './kernel.ts';
export { type ModuleIndex, moduleIndex, modulesWithDependencies } from './modules.ts';
export { type DebianArchitecture, type DebianCache, type DebianPackage, debianPackages } from './packages.ts';

/** Building executables of the small host; for Node only. */
export { bundleProgram } from './bundle.ts';
export { buildExecutable, type ExecutableRequest } from './executable.ts';
export { publish, publishLink, targetNamed } from './publish.ts';
export { type Target, type TargetName, targets } from './toolchain.ts';

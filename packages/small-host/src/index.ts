export type { Architecture, SystemCall } from './machine/calls.ts';
export { errnoName } from './machine/errno.ts';
export { atCurrentDirectory, bufferOffset, bufferSize, Kernel, openFlags, SystemCallError } from './machine/kernel.ts';
export { Loop, ready } from './machine/loop.ts';
export type { Machine } from './machine/machine.ts';
export { type SpawnRequest, spawnProgram } from './machine/spawn.ts';
export { decodeText, encodeText } from './machine/text.ts';

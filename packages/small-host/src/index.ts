export type { Architecture, SystemCall } from './machine/calls.ts';
export { Channel, type ChannelFailure } from './machine/channel.ts';
export { errnoName } from './machine/errno.ts';
export { atCurrentDirectory, bufferOffset, bufferSize, Kernel, openFlags, SystemCallError } from './machine/kernel.ts';
export { Loop, ready } from './machine/loop.ts';
export type { Machine } from './machine/machine.ts';
export { type SpawnRequest, spawnProgram } from './machine/spawn.ts';
export { type StartValues, startValues } from './machine/start.ts';
export { decodeText, encodeText } from './machine/text.ts';

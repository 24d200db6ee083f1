/** Virtual machines to boot images in. */
export type { MachineArchitecture, MachineBoot, MachineDisk, MachineForward, MachineOptions } from './command-line.ts';
export { emulators } from './command-line.ts';
export { MachineConsole } from './console.ts';
export type { QemuEvent } from './control.ts';
export { Machine, type MachineEnd, type Restart, type RunLimits } from './machine.ts';
export type { MachineEndReason } from './process.ts';

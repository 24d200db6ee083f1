/**
 * The Linux kernel for Node: what Node itself does not offer, through a small C addon.
 * Errors are `Error`s with `code` (`ENOENT`, …), `errno`, `syscall` and, where there is one, `path` and `dest`; wrong arguments are
 * TypeErrors.
 */
export { containerInitPath } from './container-init.ts';
export {
  copyDevice,
  type FileSystemStatus,
  flock,
  type LockOption,
  makeFifo,
  openBelow,
  type RenameOption,
  rename,
  statfs,
  syncAll,
  syncDirectory,
  syncFileSystem,
} from './files.ts';
export { bindDatagrams, openInRoot, shutdownSocket } from './log.ts';
export { attachLoop, detachLoop, type LoopDevice, mountImage } from './loop.ts';
export { type RebootCommand, reboot, setHostname } from './machine.ts';
export { type MountOption, mount, moveMount, openTree, type TreeOption, type UnmountOption, unmount } from './mount.ts';
export { type Namespace, type NamespaceTask, nsexecArguments, nsexecPath } from './namespaces.ts';
export { addBridge, deleteBridge, setInterfaceAddress, setInterfaceUp } from './network.ts';
export {
  listChildren,
  openProcess,
  type ProcessExit,
  type ProcessInfo,
  processInfo,
  reapOrphans,
  reapPid,
  reapProcess,
  type SpawnedChild,
  setChildSubreaper,
  signalProcess,
  spawnProcess,
} from './process.ts';
export { signalName, signalNumber } from './signals.ts';
export {
  acceptUnix,
  connectAs,
  connectUnix,
  finishSocket,
  listenUnix,
  type PeerCredentials,
  peerCredentials,
  type ReceivedDescriptors,
  receiveDescriptors,
  sendDescriptors,
  socketPair,
  waitReadable,
  waitWritable,
} from './socket.ts';
export { feedWatchdog, openWatchdog } from './watchdog.ts';

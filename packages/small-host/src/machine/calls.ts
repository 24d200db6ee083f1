/** Numbers of the system calls that the small host uses, by architecture (asm/unistd.h of each). */

export type Architecture = 'x64' | 'arm64' | 'arm';

export const architectures: readonly Architecture[] = ['x64', 'arm64', 'arm'];

const table = {
  // name: [x86-64, arm64, arm EABI]; statfs is statfs64 on arm, with its own arguments
  read: [0, 63, 3],
  write: [1, 64, 4],
  close: [3, 57, 6],
  openat: [257, 56, 322],
  statx: [332, 291, 397],
  getdents64: [217, 61, 217],
  mknodat: [259, 33, 324],
  fsync: [74, 82, 118],
  lseek: [8, 62, 19],
  ftruncate: [77, 46, 93],
  fchmod: [91, 52, 94],
  statfs: [137, 43, 266],
  syncfs: [306, 267, 373],
  fdatasync: [75, 83, 148],
  renameat2: [316, 276, 382],
  linkat: [265, 37, 330],
  symlinkat: [266, 36, 331],
  readlinkat: [267, 78, 332],
  unlinkat: [263, 35, 328],
  mkdirat: [258, 34, 323],
  fchmodat: [268, 53, 333],
  ioctl: [16, 29, 54],
  flock: [73, 32, 143],
  fcntl: [72, 25, 221],
  mount: [165, 40, 21],
  open_tree: [428, 428, 428],
  move_mount: [429, 429, 429],
  umount2: [166, 39, 52],
  socket: [41, 198, 281],
  bind: [49, 200, 282],
  listen: [50, 201, 284],
  accept4: [288, 242, 366],
  connect: [42, 203, 283],
  getsockopt: [55, 209, 295],
  setsockopt: [54, 208, 294],
  sendto: [44, 206, 290],
  sendfile: [40, 71, 239],
  umask: [95, 166, 60],
  sendmsg: [46, 211, 296],
  recvmsg: [47, 212, 297],
  shutdown: [48, 210, 293],
  epoll_create1: [291, 20, 357],
  epoll_ctl: [233, 21, 251],
  epoll_pwait: [281, 22, 346],
  signalfd4: [289, 74, 355],
  rt_sigprocmask: [14, 135, 175],
  pidfd_open: [434, 434, 434],
  pidfd_send_signal: [424, 424, 424],
  waitid: [247, 95, 280],
  kill: [62, 129, 37],
  getpid: [39, 172, 20],
  getuid: [102, 174, 199],
  setresuid: [117, 147, 208],
  fchownat: [260, 54, 325],
  prctl: [157, 167, 172],
  uname: [63, 160, 122],
  sync: [162, 81, 36],
  reboot: [169, 142, 88],
  sethostname: [170, 161, 74],
  getrandom: [318, 278, 384],
  pipe2: [293, 59, 359],
  utimensat: [280, 88, 348],
  unshare: [272, 97, 337],
  setns: [308, 268, 375],
  chdir: [80, 49, 12],
  pivot_root: [155, 41, 218],
  finit_module: [313, 273, 379],
  openat2: [437, 437, 437],
  inotify_init1: [294, 26, 360],
  inotify_add_watch: [254, 27, 317],
  inotify_rm_watch: [255, 28, 318],
} as const satisfies Record<string, readonly [number, number, number]>;

export type SystemCall = keyof typeof table;

/** The numbers of one architecture. */
export function systemCalls(architecture: Architecture): Record<SystemCall, number> {
  const column = architectures.indexOf(architecture);
  return Object.fromEntries(Object.entries(table).map(([name, numbers]) => [name, numbers[column]])) as Record<
    SystemCall,
    number
  >;
}

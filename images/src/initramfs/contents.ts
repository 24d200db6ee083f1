/** What an initramfs is made of: which programs of which Debian packages, and why. */

/** Stands in paths for the name that Debian gives to an architecture's folder of libraries. */
export const tripletMark = '<triplet>';

export interface Ingredient {
  /** Debian package. */
  package: string;
  why: string;
  /** Files below `/` of the package that go in; none for a package that is only a source of libraries. */
  files: string[];
}

/**
 * Packages with programs. Their libraries are found and added. Nothing is here that neither the runtime nor its tools call: each file is
 * memory that containers lack, since an initramfs stays in memory.
 */
export const programs: readonly Ingredient[] = [
  { package: 'busybox-static', why: 'shell, modprobe, mount, findfs, swap and network tools', files: ['bin/busybox'] },
  { package: 'lxc', why: 'starts containers', files: ['usr/bin/lxc-start'] },
  { package: 'util-linux', why: 'pventer enters containers by it', files: ['usr/bin/nsenter'] },
  { package: 'dmsetup', why: 'opens encrypted disks and verified volumes', files: ['sbin/dmsetup'] },
  {
    package: 'e2fsprogs',
    why: 'checks, grows and makes ext4 file systems',
    files: ['sbin/e2fsck', 'sbin/resize2fs', 'sbin/mke2fs', 'sbin/dumpe2fs', 'etc/mke2fs.conf'],
  },
  {
    package: 'iptables',
    why: 'translates addresses of containers, in a tenth of the room that nft takes',
    files: ['usr/sbin/iptables-legacy', `usr/lib/${tripletMark}/xtables/libxt_MASQUERADE.so`],
  },
];

/** Names besides its own that the runtime's executable answers to (apps/device-tools/src/tool-names.ts). */
export const tools: readonly string[] = ['pvcontrol', 'pvcurl', 'pventer', 'pvtx', 'fallbear-cmd', 'pv-xconnect'];

/** Packages that the libraries of those programs come from. */
export const libraries: readonly string[] = [
  'libc6',
  'libgcc-s1',
  'liblxc1',
  'libapparmor1',
  'libcap2',
  'libseccomp2',
  'libselinux1',
  'libpcre2-8-0',
  'libdevmapper1.02.1',
  'libudev1',
  'libext2fs2',
  'libcom-err2',
  'libblkid1',
  'libuuid1',
  'libxtables12',
  'libip4tc2',
  'libip6tc2',
];

/** Applets of busybox by the directory in which the original's scripts and ours look for them. */
export const applets: Readonly<Record<string, readonly string[]>> = {
  bin: [
    ...[
      'sh',
      'ash',
      'cat',
      'chmod',
      'chown',
      'cp',
      'date',
      'dd',
      'df',
      'dmesg',
      'echo',
      'egrep',
      'false',
      'grep',
      'hostname',
      'kill',
      'ln',
    ],
    ...[
      'login',
      'ls',
      'mkdir',
      'mknod',
      'mktemp',
      'more',
      'mount',
      'mv',
      'netstat',
      'pidof',
      'ping',
      'ps',
      'pwd',
      'rm',
      'rmdir',
      'sed',
    ],
    ...[
      'sleep',
      'stat',
      'stty',
      'su',
      'sync',
      'tar',
      'touch',
      'true',
      'umount',
      'uname',
      'vi',
      'zcat',
      'gzip',
      'gunzip',
    ],
  ],
  sbin: [
    ...[
      'blockdev',
      'fdisk',
      'findfs',
      'getty',
      'halt',
      'hwclock',
      'ifconfig',
      'insmod',
      'ip',
      'losetup',
      'lsmod',
      'mdev',
      'mkswap',
    ],
    ...['modinfo', 'modprobe', 'poweroff', 'reboot', 'rmmod', 'route', 'swapoff', 'swapon', 'sysctl', 'udhcpc'],
  ],
  'usr/bin': [
    ...[
      'awk',
      'basename',
      'clear',
      'cmp',
      'cut',
      'diff',
      'dirname',
      'du',
      'env',
      'find',
      'free',
      'head',
      'hexdump',
      'id',
      'less',
      'nc',
    ],
    ...[
      'nslookup',
      'od',
      'printf',
      'readlink',
      'realpath',
      'reset',
      'seq',
      'setsid',
      'sha256sum',
      'sort',
      'strings',
      'tail',
      'tee',
      'test',
      'time',
    ],
    ...[
      'timeout',
      'top',
      'tr',
      'traceroute',
      'tty',
      'uniq',
      'unxz',
      'uptime',
      'wc',
      'wget',
      'which',
      'who',
      'xargs',
      'xzcat',
      'yes',
      'cttyhack',
    ],
  ],
  'usr/sbin': ['chroot', 'rdate'],
};

/** Directories that have to be there, with their modes. */
export const directories: Readonly<Record<string, number>> = {
  dev: 0o755,
  proc: 0o555,
  sys: 0o555,
  run: 0o755,
  tmp: 0o1777,
  root: 0o700,
  storage: 0o755,
  volumes: 0o755,
  exports: 0o755,
  writable: 0o755,
  lib: 0o755,
  'lib/firmware': 0o755,
  'lib/modules': 0o755,
  var: 0o755,
  'usr/lib/pantavisor/pv/hooks/system.d': 0o755,
  'usr/lib/pantavisor/pv/hooks_lxc-mount.d': 0o755,
  'etc/pantavisor/pvs/trust': 0o755,
  'etc/pantavisor/ssh': 0o755,
  'etc/thttp/certs': 0o755,
};

/** Links: short paths that containers and scripts of the original's image use, and a program's usual name. */
export const links: Readonly<Record<string, string>> = {
  init: 'usr/bin/pantavisor',
  'var/run': '../run',
  pv: 'run/pantavisor/pv',
  media: 'run/pantavisor/media',
  configs: 'run/pantavisor/configs',
  'usr/sbin/iptables': 'iptables-legacy',
};

const groups = [
  { name: 'data', description: 'Volumes of data', status_goal: 'MOUNTED', restart_policy: 'system', timeout: 30 },
  { name: 'root', description: 'Device management', status_goal: 'STARTED', restart_policy: 'system', timeout: 30 },
  {
    name: 'platform',
    description: 'Middleware and services',
    status_goal: 'STARTED',
    restart_policy: 'system',
    timeout: 30,
  },
  { name: 'app', description: 'Applications', status_goal: 'STARTED', restart_policy: 'container', timeout: 30 },
];

/** Small files by path; all belong to root and are 0644. */
export const files: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n',
  'etc/shadow': 'root:*:0:0:99999:7:::\n',
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  'etc/resolv.conf': '',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  'etc/pantavisor/defaults/groups.json': `${JSON.stringify(groups, null, 2)}\n`,
  'etc/pantavisor/policies/prod.config': 'debug.shell=0\ndebug.ssh=0\nsecureboot.mode=strict\n',
};

/** Small programs by path; all are 0755. */
export const scripts: Readonly<Record<string, string>> = {
  // The arguments are those of /proc/sys/kernel/core_pattern, which the runtime sets; the core itself is not kept.
  'lib/pv/pvcrash': `#!/bin/sh
# The kernel runs this for each program that crashes, with its core on standard input (core(5)).
[ "$1" = --skip ] && shift
echo "<4>pvcrash: \${3:-a program}, process \${1:-unknown}, was ended by signal \${2:-unknown}" >/dev/kmsg
`,
};

/** The configuration as the original ships it for devices (config.md §11), and what devices with little memory need beside that. */
export const configuration: Readonly<Record<string, string>> = {
  PV_SYSTEM_INIT_MODE: 'embedded',
  PV_SYSTEM_LIBDIR: '/usr/lib/pantavisor',
  PV_SYSTEM_RUNDIR: '/run/pantavisor/pv',
  PV_SYSTEM_MEDIADIR: '/run/pantavisor/media',
  PV_SYSTEM_CONFDIR: '/run/pantavisor/configs',
  PV_SYSTEM_DISKSDIR: '/run/pantavisor/disks',
  PV_BOOTLOADER_TYPE: 'uboot',
  PV_STORAGE_DEVICE: 'LABEL=root',
  PV_STORAGE_FSTYPE: 'ext4',
  PV_STORAGE_MNTPOINT: '/storage',
  PV_LOG_DIR: '/storage/logs',
  PV_CACHE_USRMETADIR: '/storage/cache/usrmeta',
  PV_CACHE_DEVMETADIR: '/storage/cache/devmeta',
  PV_DROPBEAR_CACHE_DIR: '/storage/cache/dropbear',
  PV_LOG_LEVEL: '4',
  PV_LOG_CAPTURE_DMESG: '1',
  PV_LOG_SERVER_OUTPUTS: 'filetree',
  PV_WDT_MODE: 'shutdown',
  // Otherwise the kernel keeps two of its page blocks free for a while after memory was fragmented: 8 MiB on 32-bit boards, of which containers die.
  PV_SYSCTL_VM_WATERMARK_BOOST_FACTOR: '0',
};

/** Which compiler, libraries and flags make the executable of an architecture. */

export type TargetName = 'x64' | 'arm64' | 'arm';

export interface Target {
  name: TargetName;
  /** GCC; its own C library is not used. */
  compiler: string;
  /** Flags beyond the common ones. */
  flags: string[];
  /** Names of Debian's folders: of musl, and of the libraries of mbedTLS and zlib. */
  musl: string;
  libraries: string;
  debianArchitecture: string;
}

/** Headers of libraries, the same for all architectures, which must not bring those of another C library with them. */
export const isolatedHeaders = [
  '/usr/include/mbedtls',
  '/usr/include/wasm-rt.h',
  '/usr/include/zlib.h',
  '/usr/include/zconf.h',
];

export const targets: Record<TargetName, Target> = {
  x64: {
    name: 'x64',
    compiler: 'x86_64-linux-gnu-gcc',
    flags: [],
    musl: 'x86_64-linux-musl',
    libraries: 'x86_64-linux-gnu',
    debianArchitecture: 'amd64',
  },
  arm64: {
    name: 'arm64',
    compiler: 'aarch64-linux-gnu-gcc',
    // Atomic operations as calls would ask glibc for the kind of the processor.
    flags: ['-mno-outline-atomics'],
    musl: 'aarch64-linux-musl',
    libraries: 'aarch64-linux-gnu',
    debianArchitecture: 'arm64',
  },
  arm: {
    name: 'arm',
    compiler: 'arm-linux-gnueabihf-gcc',
    flags: ['-mthumb'],
    musl: 'arm-linux-musleabihf',
    libraries: 'arm-linux-gnueabihf',
    debianArchitecture: 'armhf',
  },
};

/**
 * Flags of every file: small, no unwind tables, and the translated engine without its own checks, since native/machine.c
 * gives it guard pages instead. Paths are mapped away so that the same sources give the same bytes anywhere.
 */
export const commonFlags = [
  '-Os',
  '-std=gnu11',
  '-DWASM_RT_MEMCHECK_SIGNAL_HANDLER=1',
  '-DWASM_RT_SKIP_SIGNAL_RECOVERY=1',
  '-DWASM_RT_USE_STACK_DEPTH_COUNT=0',
  '-fno-asynchronous-unwind-tables',
  '-fno-unwind-tables',
  '-ffunction-sections',
  '-fdata-sections',
  '-fno-ident',
  // The program lies at a fixed address.
  '-fno-pie',
];

/**
 * Of the translated engine alone: a fifth less processor time than with -Os for a twentieth more executable. What -O2 gains by aligning and
 * inlining is nothing here, and costs twice that again (docs/small-host.md).
 */
export const engineFlags = [
  '-w',
  '-O2',
  '-falign-functions=1',
  '-falign-jumps=1',
  '-falign-loops=1',
  '-falign-labels=1',
  '-fno-inline-small-functions',
  '-fno-inline-functions-called-once',
  '-fno-partial-inlining',
  '-fno-tree-pre',
  '-fno-code-hoisting',
  '-freorder-blocks-algorithm=simple',
];

export const warningFlags = ['-Wall', '-Wextra', '-Werror', '-Wno-clobbered'];

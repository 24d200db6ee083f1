/** Which compiler, libraries and flags make the executable of an architecture. */

export type TargetName = 'x64' | 'arm64' | 'arm';

export interface Target {
  name: TargetName;
  compiler: string;
  /** Flags beyond the common ones. */
  flags: string[];
  /** Folder of Debian's static libraries for this architecture. */
  libraries: string;
  debianArchitecture: string;
}

/** Foreign headers, which must not bring the C library's own with them: a compiler for musl or another architecture has its own. */
export const isolatedHeaders = [
  '/usr/include/mbedtls',
  '/usr/include/wasm-rt.h',
  '/usr/include/zlib.h',
  '/usr/include/zconf.h',
];

export const targets: Record<TargetName, Target> = {
  x64: {
    name: 'x64',
    compiler: 'musl-gcc',
    flags: [],
    libraries: '/usr/lib/x86_64-linux-gnu',
    debianArchitecture: 'amd64',
  },
  arm64: {
    name: 'arm64',
    compiler: 'aarch64-linux-gnu-gcc',
    flags: [],
    libraries: '/usr/lib/aarch64-linux-gnu',
    debianArchitecture: 'arm64',
  },
  arm: {
    name: 'arm',
    compiler: 'arm-linux-gnueabihf-gcc',
    flags: ['-mthumb'],
    libraries: '/usr/lib/arm-linux-gnueabihf',
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
];

export const warningFlags = ['-Wall', '-Wextra', '-Werror', '-Wno-clobbered'];

/** The command line of pv-image: all commands, the flags of every command, and what failures look like. */
import {
  type CommandSpec,
  completionCommand,
  type ExitCode,
  type Flag,
  type Input,
  runProgram,
  type Terminal,
  versionCommand,
} from '@pantavisor/cli';
import { buildCommand } from './commands/build.ts';
import { checkCommand } from './commands/check.ts';
import { explainCommand } from './commands/explain.ts';
import { runCommand } from './commands/run.ts';
import { createContext, type PvImage } from './context.ts';

const version = '0.1.0';

/** What exit codes mean. */
export const exitCodes: readonly ExitCode[] = [
  { code: 0, meaning: 'done; run: the machine powered off' },
  { code: 1, meaning: 'something unexpected went wrong' },
  { code: 2, meaning: 'the recipe is not acceptable' },
  { code: 3, meaning: 'the command could not do its work: wrong usage, a file, a package, a tool' },
  { code: 4, meaning: 'run: the machine ended by itself in another way' },
];

const flags: readonly Flag[] = [
  {
    names: ['cache'],
    kind: 'text',
    value: 'directory',
    env: ['PV_IMAGE_CACHE'],
    help: 'packages and products between runs; default: build/images of the checkout',
    complete: 'file',
  },
  { names: ['verbose', 'v'], kind: 'boolean', help: 'say what is being done, also when standard error is no terminal' },
  { names: ['json'], kind: 'boolean', env: ['PV_IMAGE_JSON'], help: 'print results and failures as JSON' },
];

/** The table of everything. */
export const program: CommandSpec<PvImage> = {
  names: ['pv-image'],
  summary: 'makes bootable disk images of devices, explains and runs them',
  flags,
  commands: [
    buildCommand,
    checkCommand,
    explainCommand,
    runCommand,
    completionCommand('pv-image'),
    versionCommand('pv-image', version),
  ],
  examples: [
    ['pv-image build images/recipes/x64.json', 'make the image build/images/x64.img'],
    ['pv-image explain build/images/x64.img', 'what is in it, and why'],
    ['pv-image run build/images/x64.img', 'start it in QEMU'],
    ['dd if=build/images/x64.img of=/dev/sdX bs=4M conv=fsync', 'write it to a disk'],
  ],
};

/**
 * Runs pv-image.
 * @param argv arguments without the name of the program
 * @param directory working directory
 * @returns the exit code (`exitCodes`)
 */
export function runPvImage(argv: readonly string[], terminal: Terminal, directory: string): Promise<number> {
  const createImageContext = (input: Input) => createContext(terminal, input, directory);
  return runProgram(
    { table: program, exitCodes, version, prefix: 'PV_IMAGE', createContext: createImageContext },
    argv,
    terminal,
  );
}

/** The command line of pv-image: all commands, the flags of every command, and what failures look like. */
import {
  type CommandSpec,
  completionScript,
  type ExitCode,
  Failure,
  type Flag,
  findCandidates,
  helpText,
  painter,
  parseCommandLine,
  shells,
  type Terminal,
} from '@pantavisor/cli';
import { buildCommand } from './commands/build.ts';
import { checkCommand } from './commands/check.ts';
import { explainCommand } from './commands/explain.ts';
import { runCommand } from './commands/run.ts';
import { createContext, type PvImage } from './context.ts';

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

const completionCommand: CommandSpec<PvImage> = {
  names: ['completion'],
  summary: 'print a completion script for a shell',
  arguments: [{ name: 'shell', optional: true, help: 'bash (default), zsh or fish' }],
  examples: [['source <(pv-image completion bash)', 'completion in this shell']],
  async run(_, input) {
    const wanted = input.values[0] ?? 'bash';
    const shell = shells.find((name) => name === wanted);
    if (!shell)
      throw new Failure('usage', `cannot complete for ${wanted}: there is ${shells.join(', ')}`, { exitCode: 3 });
    const script = completionScript(shell, 'pv-image');
    return { text: script, json: { shell, script } };
  },
};

/** The table of everything. */
export const program: CommandSpec<PvImage> = {
  names: ['pv-image'],
  summary: 'makes bootable disk images of devices, explains and runs them',
  flags,
  commands: [buildCommand, checkCommand, explainCommand, runCommand, completionCommand],
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
export async function runPvImage(argv: readonly string[], terminal: Terminal, directory: string): Promise<number> {
  const asJson = argv.includes('--json') || terminal.environment.PV_IMAGE_JSON === '1';
  try {
    if (argv[0] === '__complete') {
      terminal.stdout.write(await findCandidates(program, argv.slice(1), async () => []));
      return 0;
    }
    const asked = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
    const { path, input, help } = parseCommandLine(program, asked, terminal.environment);
    const command = path.at(-1)!;
    if (help || !command.run) {
      terminal.stdout.write(helpText(path, exitCodes));
      return 0;
    }
    const result = await command.run(createContext(terminal, input, directory), input);
    if (result) terminal.stdout.write(input.on('json') ? `${JSON.stringify(result.json)}\n` : result.text);
    return 0;
  } catch (error) {
    return report(error, terminal, asJson);
  }
}

function report(error: unknown, terminal: Terminal, asJson: boolean): number {
  const failure =
    error instanceof Failure ? error : new Failure('failed', error instanceof Error ? error.message : String(error));
  const { code, message, hint, details } = failure;
  if (asJson) terminal.stderr.write(`${JSON.stringify({ error: { code, message, hint, details } })}\n`);
  else {
    const paint = painter(terminal.stderr, terminal.environment);
    terminal.stderr.write(
      `${paint('red', 'ERROR:')} ${message}\n${hint === undefined ? '' : `${paint('dim', `  ${hint}`)}\n`}`,
    );
    // What does not say what it could not do is a defect, and its place helps.
    if (error instanceof Error && !message.startsWith('cannot')) terminal.stderr.write(`${error.stack}\n`);
  }
  return failure.exitCode ?? (failure.message.startsWith('cannot') ? 3 : 1);
}

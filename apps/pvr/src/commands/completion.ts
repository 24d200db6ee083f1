/** `pvr completion`. */
import { basename } from 'node:path';
import { type CommandSpec, completionScript, Failure, shells } from '@pantavisor/cli';
import type { Pvr } from '../context.ts';

export const completionCommand: CommandSpec<Pvr> = {
  names: ['completion', 'com'],
  summary: 'print a completion script for a shell',
  arguments: [{ name: 'shell', optional: true, help: 'bash (default), zsh or fish', choices: shells }],
  examples: [['source <(pvr completion bash)', 'completion in this shell']],
  async run(pvr, input) {
    const wanted = input.values[0] ?? basename(pvr.environment.PVR_SHELL ?? 'bash');
    const shell = shells.find((name) => name === wanted);
    if (!shell)
      throw new Failure('usage', `cannot complete for ${wanted}: there is ${shells.join(', ')}`, { exitCode: 3 });
    const script = completionScript(shell, 'pvr');
    return { text: script, json: { shell, script } };
  },
};

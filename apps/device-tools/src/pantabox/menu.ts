/** The menu: commands one after the other, until the person leaves. */
import { Input } from '@pantavisor/cli/portable';
import type { BoxCommand, Context } from './context.ts';
import { Interrupted } from './terminal/ui.ts';

const welcome = 'Choose what to do, by arrows or by its first letters.';

/** @throws Failure when this is no terminal */
export async function showMenu(context: Context, commands: readonly BoxCommand[]): Promise<void> {
  context.beginScreens();
  try {
    for (let chosen = 0; ; ) {
      await context.refreshStatus();
      const failed = await context.device.lastFailure().catch(() => undefined);
      const command = await context.choose<BoxCommand | 'help'>({
        title: 'Pantabox',
        about: failed ? `${failed.revision} did not hold: ${failed.message}. In goto, i says why.` : welcome,
        items: [
          ...commands.map((each) => ({
            value: each,
            cells: [each.names[0]!, each.summary],
            styles: ['bold'] as const,
          })),
          { value: 'help' as const, cells: ['help', 'how this works'], styles: ['bold'] as const },
        ],
        ends: 'quit',
        chosen,
      });
      if (!command) return;
      chosen = command === 'help' ? commands.length : commands.indexOf(command);
      if (command === 'help') await context.read('Help', helpText(commands));
      else await runScreen(context, command);
    }
  } catch (error) {
    // Leaving a menu is no failure.
    if (!(error instanceof Interrupted)) throw error;
  }
}

async function runScreen(context: Context, command: BoxCommand): Promise<void> {
  try {
    if (command.screen) await command.screen(context);
    else {
      const result = await command.run!(context, new Input([], new Map()));
      if (result) await context.read(command.names[0]!, result.text);
    }
  } catch (error) {
    await context.tellFailure(error);
  }
}

function helpText(commands: readonly BoxCommand[]): string {
  return [
    'Changes here become a new local revision of the device. It tries it, and goes back to the one before when it does not hold. While a local revision runs, the device does not take others from its hub; goremote lets it.',
    '',
    'Commands:',
    ...commands.map(({ names, summary }) => `${names[0]}: ${summary}`),
    '',
    'Each works without the menu, too: pantabox COMMAND, with --json for scripts. pantabox COMMAND --help shows how.',
    '',
    'Keys:',
    'arrows, Page Up, Page Down, Home, End: move',
    'letters: go to what begins with them',
    'Enter: choose; Esc or Left: back; Ctrl-C: leave; Ctrl-L: draw again',
  ].join('\n');
}

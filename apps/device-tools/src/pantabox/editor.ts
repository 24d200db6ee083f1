/** A text in the editor of the person: VISUAL, EDITOR, or vi. */
import { Failure } from '@pantavisor/cli/portable';
import type { Context } from './context.ts';

/**
 * Lets the person edit a text; the terminal is the editor's meanwhile.
 * @param name of the file, by which editors know what is in it
 * @returns the text, or undefined when it is as it was @throws Failure when there is no editor, or it failed
 */
export async function editText(context: Context, name: string, text: string): Promise<string | undefined> {
  const { host, ui } = context;
  const { environment } = host;
  const editor = (environment.VISUAL || environment.EDITOR || 'vi').split(/\s+/).filter((word) => word !== '');
  const folder = `${environment.TMPDIR || '/tmp'}/pantabox-edit-${host.pid}`;
  const path = `${folder}/${name.replace(/^.*\//, '').replace(/[^\w.-]/g, '_') || 'text'}`;
  try {
    await host.files.makeDirectory(folder, 0o700);
    await host.files.replace(path, text, 0o600);
    const start = () => host.run([...editor, path], environment);
    const code = await (ui ? ui.hand(start) : start()).catch((error: Error) => {
      throw new Failure('editor', `cannot start the editor ${editor[0]}: ${error.message}`, {
        hint: 'EDITOR names another one',
      });
    });
    if (code !== 0)
      throw new Failure('editor', `cannot use what ${editor[0]} left: it ended with ${code}`, {
        hint: 'nothing is changed',
      });
    const after = await host.files.readText(path);
    return after === text ? undefined : after;
  } finally {
    await host.files.remove(folder);
  }
}

/** Waiting for what programs write. */
import { watch } from 'node:fs';

/** Waits until what can be read fits; looks again whenever something changes below a directory that is there. */
export async function until(directory: string, done: () => boolean): Promise<void> {
  if (done()) return;
  await new Promise<void>((resolve) => {
    const watcher = watch(directory, { recursive: true }, () => {
      if (!done()) return;
      watcher.close();
      resolve();
    });
    if (!done()) return;
    watcher.close();
    resolve();
  });
}

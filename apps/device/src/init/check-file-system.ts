/** The check of an ext file system before it is mounted: what a power cut or a worn-out memory has left of it. */
import type { Host } from '../host/ports.ts';
import type { InitLog } from './start.ts';

/** A large file system on a slow card takes long, and to be stopped in the middle helps nobody. */
export const mostWaitForCheck = 30 * 60_000;

/** Bits of the exit code of e2fsck(8). */
const exitBits = { corrected: 1, restart: 2, left: 4, failed: 8 } as const;

/**
 * Checks, and repairs what can be repaired; a sound file system takes a moment. What is still wrong then is left for the mount to refuse, since a
 * file system with a fault is better than none.
 */
export async function checkExt({ processes }: Pick<Host, 'processes'>, device: string, log: InitLog): Promise<void> {
  const gentle = await run(processes, ['e2fsck', '-p', device]);
  if (gentle === undefined) return log('WARN', 'cannot check the storage: e2fsck is not there');
  if ((gentle.code & exitBits.corrected) !== 0)
    log('WARN', `the storage ${device} had faults, which are repaired: ${gentle.text}`);
  if ((gentle.code & (exitBits.left | exitBits.failed)) === 0) return;
  log('ERROR', `the storage ${device} is damaged; it is being repaired: ${gentle.text}`);
  const thorough = await run(processes, ['e2fsck', '-f', '-y', device]);
  if (thorough === undefined) return;
  if ((thorough.code & (exitBits.left | exitBits.failed)) === 0) log('WARN', `the storage ${device} is repaired`);
  else log('ERROR', `cannot repair the storage ${device}: ${thorough.text}`);
}

async function run(processes: Host['processes'], argv: string[]): Promise<{ code: number; text: string } | undefined> {
  try {
    const { code, stdout, stderr } = await processes.run(argv, { timeout: mostWaitForCheck });
    const lines = `${stdout}\n${stderr}`
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    return { code: code ?? exitBits.failed, text: lines.slice(-3).join('; ') };
  } catch {
    return undefined;
  }
}

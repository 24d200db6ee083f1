/** A bar on stderr while something big is on its way; silent when stderr is no terminal. */
import { formatBytes } from './table.ts';
import type { Output } from './terminal.ts';

/** Milliseconds between two drawings. */
const interval = 100;

export interface ProgressBar {
  /** Total bytes so far. */
  update(bytes: number): void;
  /** Removes the bar. */
  end(): void;
}

/** @param now clock in milliseconds */
export function createProgressBar(
  output: Output,
  label: string,
  size: number,
  now = () => performance.now(),
): ProgressBar {
  if (!output.isTTY || size === 0) return { update: () => {}, end: () => {} };
  const begin = now();
  let drawn = Number.NEGATIVE_INFINITY;
  return {
    update: (bytes) => {
      const time = now();
      if (time - drawn < interval && bytes < size) return;
      drawn = time;
      const seconds = Math.max((time - begin) / 1000, 0.001);
      const share = Math.min(1, bytes / size);
      const figures = ` ${Math.floor(share * 100)} %  ${formatBytes(bytes)} of ${formatBytes(size)}  ${formatBytes(bytes / seconds)}/s`;
      const room = Math.max(10, Math.min(40, output.columns - label.length - figures.length - 4));
      const filled = Math.round(share * room);
      output.write(`\r${label} [${'#'.repeat(filled)}${'-'.repeat(room - filled)}]${figures}\u001b[K`);
    },
    end: () => output.write('\r\u001b[K'),
  };
}

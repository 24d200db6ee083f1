/** A bar on stderr while something big is on its way; silent when stderr is no terminal. */
import { formatBytes } from './table.ts';
import type { Output } from './terminal.ts';

/** Milliseconds between two drawings. */
const interval = 100;

export interface ProgressBar {
  /** Bytes that were moved since the last call. */
  add(bytes: number): void;
  /** Removes the bar. */
  end(): void;
}

/** @param now clock in milliseconds */
export function createProgressBar(output: Output, label: string, size: number, now = () => Date.now()): ProgressBar {
  if (!output.isTTY || size === 0) return { add: () => {}, end: () => {} };
  const begin = now();
  let drawn = begin;
  let done = 0;
  return {
    add: (bytes) => {
      done += bytes;
      const time = now();
      if (time - drawn < interval && done < size) return;
      drawn = time;
      const seconds = Math.max((time - begin) / 1000, 0.001);
      const share = Math.min(1, done / size);
      const figures = ` ${Math.floor(share * 100)} %  ${formatBytes(done)} of ${formatBytes(size)}  ${formatBytes(done / seconds)}/s`;
      const room = Math.max(10, Math.min(40, output.columns - label.length - figures.length - 4));
      const filled = Math.round(share * room);
      output.write(`\r${label} [${'#'.repeat(filled)}${'-'.repeat(room - filled)}]${figures}\u001b[K`);
    },
    end: () => output.write('\r\u001b[K'),
  };
}

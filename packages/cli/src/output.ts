/** What programs show: tables, sizes, colours, a progress bar, suggestions. Plain ECMAScript, for every host. */
export { createProgressBar, type ProgressBar } from './progress.ts';
export { nearest } from './suggest.ts';
export { type Cell, formatBytes, formatDuration, formatTable, printable } from './table.ts';
export { type Environment, type Output, painter, type Style } from './terminal.ts';

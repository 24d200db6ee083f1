/** How statuses of revisions are shown. */
import type { Style } from '@pantavisor/cli/output';

export const progressStyles: Readonly<Record<string, Style>> = {
  DONE: 'green',
  UPDATED: 'green',
  ERROR: 'red',
  WONTGO: 'red',
  TESTING: 'yellow',
  INPROGRESS: 'yellow',
  DOWNLOADING: 'yellow',
};

/** Results of commands. */
import type { Result } from '@pantavisor/cli';

/** The result of a command that succeeded silently. */
export const nothingToSay: Result = { text: '', json: {} };

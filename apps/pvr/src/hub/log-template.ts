/** How log entries are shown: `short`, `json`, or a template in Go's language. */
import { posix } from 'node:path';
import type { LogEntry } from '@pantavisor/hub-api';
import { compileTemplate, type Vocabulary } from './go-template.ts';
import { formatTime } from './go-time.ts';
import { templateFunctions } from './template-functions.ts';

export type LogFormatter = (entry: LogEntry) => string;

const vocabulary: Vocabulary<LogEntry> = {
  /** Fields as Go programs name them (user documentation, "pvr logs --template"). */
  fields: {
    ID: ({ id }) => id,
    Device: ({ dev }) => dev,
    Owner: ({ own }) => own,
    TimeCreated: (entry) => entry['time-created'],
    LogTSec: ({ tsec }) => tsec ?? 0,
    LogTNano: ({ tnano }) => tnano ?? 0,
    LogRev: ({ rev }) => rev ?? '',
    LogPlat: ({ plat }) => plat ?? '',
    LogSource: ({ src }) => src ?? '',
    LogLevel: ({ lvl }) => lvl ?? '',
    LogText: ({ msg }) => msg ?? '',
  },
  functions: templateFunctions,
};

/** @throws Failure `template-invalid` */
export function logFormatter(template: string): LogFormatter {
  if (template === 'json') return (entry) => JSON.stringify(entry);
  if (template === '' || template === 'short') return short;
  return compileTemplate(template, vocabulary);
}

function short(entry: LogEntry): string {
  const device = entry.dev.replace(/^.*\//, '').slice(0, 10);
  const time = formatTime(new Date(entry['time-created']), 'Stamp');
  const { rev = '', plat = '', src = '', msg = '' } = entry;
  return `${device}(${rev}) ${time} ${plat}(${posix.basename(src)}): ${msg}`;
}

/** `logs` of run.json: files inside the container to follow (state-format §5.5). */
import { Fields } from '../fields.ts';
import type { LogSource } from '../model.ts';

/** Size at which the two files of every container are cut, bytes. */
const defaultMaxSize = 2097152;

/** What is followed when nothing usable is configured. */
export function defaultLogs(): LogSource[] {
  return ['/var/log/syslog', '/var/log/messages'].map((file) => ({ file, truncate: true, maxSize: defaultMaxSize }));
}

/** Reads the list. Elements with `lxc` or `console` mean the sources that are followed anyway. */
export function readLogs(fields: Fields): LogSource[] {
  const found: LogSource[] = [];
  for (const item of fields.list('logs') ?? []) {
    const entry = Fields.of(fields.report, item);
    if (!entry) continue;
    if (entry.entries().length === 0) {
      fields.report.add(
        'log-empty',
        entry.spot(),
        'cannot use an empty entry of logs',
        'name a "file", or remove the entry',
      );
      continue;
    }
    const file = entry.string('file');
    if (!file) {
      if (!entry.get('lxc') && !entry.get('console'))
        fields.report.add('log-incomplete', entry.spot(), 'an entry of logs names no file and is ignored');
      continue;
    }
    const source: LogSource = {
      file,
      truncate: entry.boolean('truncate') ?? false,
      maxSize: entry.count('maxsize') ?? defaultMaxSize,
    };
    const name = entry.string('name');
    if (name) source.name = name;
    found.push(source);
  }
  return found.length > 0 ? found : defaultLogs();
}

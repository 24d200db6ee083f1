/** A reporter of node:test (`--test-reporter`) that writes how long each test file took: a line `MILLISECONDS PATH` for each. */
import { relative } from 'node:path';

interface Summary {
  type: string;
  data: unknown;
}

// biome-ignore lint/style/noDefaultExport: node:test looks for a reporter there
export default async function* fileTimes(events: AsyncIterable<Summary>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:summary') continue;
    const { file, duration_ms: duration } = data as { file?: string; duration_ms: number };
    // The summary of all files together names none.
    if (file !== undefined) yield `${Math.round(duration)} ${relative(process.cwd(), file)}\n`;
  }
}

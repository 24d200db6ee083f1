/**
 * `node apps/device/trace.ts [MAP] < LOG`: repeats its input with the places of the small host's stack traces, `pantavisor.js:1:4711`, as
 * files and lines of the sources. MAP is the `.js.map` that build-small.ts keeps beside the executable; default: that of this machine.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const standard = `${checkout}build/small-host/${process.arch === 'arm64' ? 'arm64' : 'x64'}/pantavisor.js.map`;
const map = new SourceMap(JSON.parse(readFileSync(process.argv[2] ?? standard, 'utf8')));

function placeOf(line: number, column: number): string | undefined {
  // The engine counts both from 1, the map from 0.
  const entry = map.findEntry(line - 1, column - 1);
  return 'originalSource' in entry
    ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
    : undefined;
}

for await (const line of createInterface({ input: process.stdin }))
  console.log(
    line.replaceAll(
      /pantavisor\.js:(\d+):(\d+)/g,
      (place, row, column) => placeOf(Number(row), Number(column)) ?? place,
    ),
  );

/**
 * `node apps/device/trace.ts [FOLDER] < LOG`: repeats its input with the places of the small host's stack traces, `pantavisor.js:1:4711` or
 * `tools.js:1:47`, as files and lines of the sources. FOLDER holds the `.js.map` files that build-small.ts keeps beside the executable;
 * default: that of this machine.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const standard = `${checkout}build/small-host/${process.arch === 'arm64' ? 'arm64' : 'x64'}`;
const folder = process.argv[2] ?? standard;
const maps = new Map<string, SourceMap>();

function placeOf(file: string, line: number, column: number): string | undefined {
  const map = maps.get(file) ?? new SourceMap(JSON.parse(readFileSync(`${folder}/${file}.map`, 'utf8')));
  maps.set(file, map);
  // The engine counts both from 1, the map from 0.
  const entry = map.findEntry(line - 1, column - 1);
  return 'originalSource' in entry
    ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
    : undefined;
}

for await (const line of createInterface({ input: process.stdin }))
  console.log(
    line.replaceAll(
      /\b((?:pantavisor|tools)\.js):(\d+):(\d+)/g,
      (place, file, row, column) => placeOf(file, Number(row), Number(column)) ?? place,
    ),
  );

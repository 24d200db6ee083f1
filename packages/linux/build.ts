/** `node packages/linux/build.ts [--arch x64|arm64]`: builds the C parts if needed; silent when there is nothing to do. */
import { parseArgs } from 'node:util';
import { type Architecture, buildNative } from './src/native-build.ts';

const isArchitecture = (name: string): name is Architecture => name === 'x64' || name === 'arm64';

const { values } = parseArgs({ options: { arch: { type: 'string', default: process.arch } } });
if (!isArchitecture(values.arch)) {
  console.error(`build: cannot build for '${values.arch}': only x64 and arm64 are supported`);
  process.exit(64);
}
try {
  buildNative(values.arch, (line) => console.error(`build: ${line}`));
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

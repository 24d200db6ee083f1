/** One minified script of a TypeScript program, with the map that leads from it back to the sources. */
import { buildSync } from 'esbuild';

export interface BundleRequest {
  /** Folder that names in the map are relative to. */
  root: string;
  entry: string;
  /** How the script is called in stack traces. */
  file: string;
  /** Sentences that only the documentation needs, as whole strings of the source; the script does without. */
  documentation?: readonly string[];
  /** Modules that stand in for others. */
  alias?: Record<string, string>;
}

/**
 * Bundles a program. It is one function without parentheses around it: before an opening parenthesis the engine reads on to the closing one, to
 * know an arrow function, which would be the whole program once more.
 */
export function bundleProgram({ root, entry, file, documentation = [], alias = {} }: BundleRequest): {
  text: string;
  map: string;
} {
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    platform: 'neutral',
    format: 'esm',
    banner: { js: '!function(){"use strict";' },
    footer: { js: '}();' },
    target: 'es2024',
    sourcemap: 'external',
    outfile: file,
    write: false,
    alias,
  });
  const textOf = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  return { text: withoutSentences(textOf('.js'), documentation), map: textOf('.map') };
}

/** Empties strings. Blanks keep the rest in its columns, where the map looks for it. */
function withoutSentences(script: string, sentences: readonly string[]): string {
  const literals = new Set(sentences.map((sentence) => JSON.stringify(sentence)));
  return script.replace(/"(?:[^"\\\n]|\\.)*"/g, (literal) =>
    literals.has(literal) ? `""${' '.repeat(literal.length - 2)}` : literal,
  );
}

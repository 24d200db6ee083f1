/** The import arrows of the house (docs/architecture.md): which room may import which, checked on the source text. */
import { globSync, readFileSync } from 'node:fs';
import { join, normalize, relative } from 'node:path';

interface Room {
  /** Files of the room, by path prefix from the root of the checkout; the first room that matches counts. */
  files: RegExp;
  /** Specifiers that the room may use besides its own relative files. */
  mayImport: RegExp;
}

const nothing = /^$/;
const node = /^node:/;
const rooms: Room[] = [
  { files: /\.test\.tsx?$|\/testing\/|^tests\/|^bench\/|^sim\/|^scripts\//, mayImport: /.*/ },
  { files: /^packages\/state\/src\//, mayImport: nothing },
  { files: /^packages\/engine\/src\//, mayImport: /^@pantavisor\/state$/ },
  { files: /^packages\/ctrl-api\/src\/node-transport\.ts$/, mayImport: /^node:net$/ },
  { files: /^packages\/ctrl-api\//, mayImport: /^@pantavisor\/state$/ },
  { files: /^packages\/linux\//, mayImport: /^node:|^node-api-headers$/ },
  { files: /^packages\//, mayImport: /^(?!@pantavisor\/(device|device-tools|pvr|hub|console))/ },
  { files: /^apps\/device\/src\/host\/node\//, mayImport: /^node:|^@pantavisor\/(linux|state|engine)$/ },
  { files: /^apps\/device\/src\/host\/small\//, mayImport: /^@pantavisor\/(small-host|state|engine|ctrl-api\/http)$/ },
  { files: /^apps\/device\/src\/main\.ts$/, mayImport: /^node:url$|^@pantavisor\/(state|engine)$/ },
  { files: /^apps\/device\/src\//, mayImport: /^@pantavisor\/(state|engine|ctrl-api)$/ },
  { files: /^images\//, mayImport: /^node:|^@pantavisor\/(cli|state|device\/config)$/ },
  {
    files:
      /^apps\/device-tools\/src\/(host\/node|host\/node-endpoint|host\/node-pantabox|pantabox|pvcontrol|pventer|pvtx|pvr-endpoint)\.ts$/,
    mayImport: /^node:|^@pantavisor\/(cli\/(output|node-terminal)|ctrl-api\/client)$/,
  },
  { files: /^apps\/device-tools\/src\/host\/mesh-node\.ts$/, mayImport: /^node:|^@pantavisor\/linux$/ },
  {
    files: /^apps\/device-tools\/src\/host\//,
    mayImport: /^@pantavisor\/(small-host|cli\/output|ctrl-api\/portable)$/,
  },
  {
    files: /^apps\/device-tools\/src\/(pantabox\/|main-pantabox)/,
    mayImport: /^@pantavisor\/(cli\/(output|portable)|ctrl-api|ctrl-api\/portable)$/,
  },
  { files: /^apps\/device-tools\//, mayImport: /^@pantavisor\/(cli\/output|ctrl-api|ctrl-api\/(portable|http))$/ },
  // The console runs in a browser: what it imports ends up there.
  {
    files: /^apps\/console\/src\//,
    mayImport:
      /^(react|react-dom\/client|@mantine\/|@tanstack\/react-|@codemirror\/|@lezer\/highlight$|codemirror$|@noble\/hashes\/|diff$|qr(\/dom\.js)?$|@pantavisor\/(hub-api|state)$|@pantavisor\/state\/schemas\/)/,
  },
  { files: /^apps\//, mayImport: new RegExp(`${node.source}|^(?!@pantavisor/(device|hub|console)$)`) },
];

const importPattern =
  /^\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s+['"]([^'"]+)['"]/gm;

/**
 * Finds imports that cross a forbidden door.
 * @param root folder of the checkout
 * @returns one line a finding: file, specifier, what the room allows; empty when all is well
 */
export function findForbiddenImports(root: string): string[] {
  const findings: string[] = [];
  const files = globSync('{{packages,apps}/*,images}/src/**/*.{ts,tsx}', {
    cwd: root,
    exclude: (path) => path.includes('node_modules'),
  });
  for (const file of files) {
    const room = rooms.find(({ files: pattern }) => pattern.test(file));
    if (!room) continue;
    for (const match of readFileSync(join(root, file), 'utf8').matchAll(importPattern)) {
      const specifier = match[1] ?? match[2] ?? match[3] ?? '';
      if (specifier.startsWith('.')) {
        const target = relative(root, normalize(join(root, file, '..', specifier)));
        const home = file.slice(0, file.indexOf('/src/'));
        const isTest = /\.test\.tsx?$/.test(file);
        if (!isTest && !target.startsWith(`${home}/`))
          findings.push(`${file}: imports ${specifier}, a file of another workspace`);
        const insideNodeHost = /\/host\/node\//.test(file) || file.endsWith('apps/device/src/main.ts');
        if (
          file.startsWith('apps/device/src/') &&
          /\/host\/node\//.test(target) &&
          !insideNodeHost &&
          !/\.test\.ts$|\/testing\//.test(file)
        )
          findings.push(`${file}: imports ${specifier}; only main.ts may name the Node host`);
      } else if (!room.mayImport.test(specifier)) {
        findings.push(
          `${file}: imports ${specifier}; this room may import ${room.mayImport.source === '^$' ? 'nothing' : room.mayImport.source}`,
        );
      }
    }
  }
  return findings;
}

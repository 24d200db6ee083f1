/** `npm run docs`: writes the pages of docs/reference that are made from tables of the source. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExitCode } from '@pantavisor/cli';
import { type Endpoint, endpoints, type Refusal, refusals } from '@pantavisor/ctrl-api';
import { rules } from '@pantavisor/state';
import { exitCodes as deviceExits } from '../apps/device/src/boot/exit-codes.ts';
import { type KeySpec, levelSets } from '../apps/device/src/config/key-spec.ts';
import { configKeys } from '../apps/device/src/config/table.ts';
import { exitCodes as pantaboxExits } from '../apps/device-tools/src/pantabox/failures.ts';
import { commands as pantaboxCommands } from '../apps/device-tools/src/pantabox/program.ts';
import { exitCodes as pvcontrolExits } from '../apps/device-tools/src/pvcontrol/exit-codes.ts';
import { exitMeanings as pvtxMeanings } from '../apps/device-tools/src/pvtx/exit-codes.ts';
import { exits as pvtxExits } from '../apps/device-tools/src/pvtx/failure.ts';
import { exitCodes as hubExits } from '../apps/hub/src/commands/program.ts';
import { exitCodes as pvrExits } from '../apps/pvr/src/program.ts';
import { exitCodes as imageExits } from '../images/src/program.ts';
import { exitMeanings, exitCodes as startExits } from './start/options.ts';

const generated = '<!-- Made by `npm run docs` from the tables of the source; changes here are lost. -->';

function table(headings: string[], rows: string[][]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells: string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

function exitCodesPage(): string {
  const rows = (codes: Readonly<Record<string, ExitCode>> | readonly ExitCode[]) =>
    Object.values(codes).map(({ code: number, meaning }) => [String(number), meaning]);
  const start = Object.entries(exitMeanings).map(([name, meaning]) => [
    String(startExits[name as keyof typeof startExits]),
    meaning,
  ]);
  return [
    '# Exit codes',
    '## pantavisor',
    table(['Code', 'Meaning'], rows(deviceExits)),
    '## npm start',
    `${table(['Code', 'Meaning'], start)}\n\nAny other code is that of \`pantavisor\`, which ended by itself.`,
    '## pvcontrol',
    table(['Code', 'Meaning'], rows(pvcontrolExits)),
    '## pantabox',
    table(['Code', 'Meaning'], rows(pantaboxExits)),
    '## pvtx',
    table(
      ['Code', 'Meaning'],
      Object.entries(pvtxExits).map(([name, number]) => [String(number), pvtxMeanings[name as keyof typeof pvtxExits]]),
    ),
    '## pvr',
    table(['Code', 'Meaning'], rows(pvrExits)),
    '## pantahub',
    table(['Code', 'Meaning'], rows(hubExits)),
    '## pv-image',
    table(['Code', 'Meaning'], rows(imageExits)),
    '## Set-up',
    'Set-up is part of `npm start`, `npm test` and the other commands. It ends with 69 when something is missing that it cannot provide.',
  ].join('\n\n');
}

function defaultOf(key: KeySpec): string {
  if (key.default === undefined) return '';
  if (typeof key.default === 'boolean') return key.default ? '1' : '0';
  return Array.isArray(key.default) ? key.default.join(',') : String(key.default);
}

function valuesOf(key: KeySpec): string {
  switch (key.kind) {
    case 'bool':
      return '0 or 1';
    case 'int':
      return 'number';
    case 'seconds':
      return 'seconds, or a number with s, min, h, d';
    case 'text':
      return 'text';
    case 'choice':
      return key.choices.map(code).join(', ');
    case 'outputs':
      return 'names with commas between them';
  }
}

function configurationPage(): string {
  return [
    '# Configuration',
    'A key can be set at several levels. A higher level wins whatever the order of loading; the set named in the table says which levels a key has.',
    table(
      ['Set', 'Levels, lowest first'],
      Object.entries(levelSets).map(([name, levels]) => [name, levels.join(', ')]),
    ),
    table(
      ['Key', 'Value', 'Default', 'Set', 'Older name', 'What it does'],
      configKeys.map((key) => [
        code(key.key),
        valuesOf(key),
        code(defaultOf(key)),
        key.levels,
        key.aliases.map(code).join(', '),
        key.doc,
      ]),
    ),
  ].join('\n\n');
}

function controlSocketPage(): string {
  const bodyOf = ({ body }: Endpoint) =>
    body === undefined ? '' : body === 'disk' ? 'as much as fits' : `${body} bytes`;
  const calls: Endpoint[] = Object.values(endpoints);
  const answers: [string, Refusal][] = Object.entries(refusals);
  return [
    '# Control socket',
    'HTTP on a unix socket: `/pantavisor/pv-ctrl` in a container, `<run directory>/pv-ctrl` on the host. The caller is known by its process; containers with the role `mgmt` and the host may do everything.',
    table(
      ['Request', 'Caller', 'Body at most', 'What it does'],
      calls.map((call) => [
        code(`${call.method} ${call.path}`),
        call.role === 'any' ? 'any container' : 'mgmt',
        bodyOf(call),
        call.summary,
      ]),
    ),
    '## Refusals',
    'The body is `{"Error":"<text>"}`. Texts are those of the original, where it has one.',
    table(
      ['Status', 'Text', 'Try again after'],
      answers.map(([, { status, text, retryAfter }]) => [
        String(status),
        text,
        retryAfter === undefined ? '' : `${retryAfter} s`,
      ]),
    ),
  ].join('\n\n');
}

function stateRulesPage(): string {
  return [
    '# Rules of the state document',
    'What is checked when a state is read. An error rejects the state; after a warning it is used, with the default or the reading that the rule names. Every problem is reported with the rule, the place as a JSON Pointer, and a hint.',
    table(
      ['Rule', 'Kind', 'Demands'],
      Object.entries(rules).map(([name, { severity, demands }]) => [code(name), severity, demands]),
    ),
  ].join('\n\n');
}

function pantaboxPage(): string {
  const argumentsOf = ({ arguments: wanted = [] }: (typeof pantaboxCommands)[number]) =>
    wanted.map(({ name, optional, rest }) => {
      const text = rest ? `${name}…` : name;
      return optional ? `[${text}]` : `<${text}>`;
    });
  const sections = pantaboxCommands.flatMap((command) => {
    const { names, summary, about, flags = [], examples = [] } = command;
    const others = names.slice(1).map((name) => code(name));
    const flagRows = flags.map((flag) => {
      const shown = flag.names.map((name) => (name.length === 1 ? `-${name}` : `--${name}`)).join(', ');
      return [code(flag.kind === 'boolean' ? shown : `${shown} ${flag.value}`), flag.help];
    });
    return [
      `## ${names[0]}`,
      `${code(['pantabox', names[0], ...argumentsOf(command)].join(' '))}: ${summary}.${others.length > 0 ? ` Also ${others.join(', ')}.` : ''}`,
      ...(about === undefined
        ? []
        : [
            about
              .split('\n\n')
              .map((paragraph) => paragraph.replaceAll('\n', ' '))
              .join('\n\n'),
          ]),
      ...(flagRows.length > 0 ? [table(['Flag', 'What it does'], flagRows)] : []),
      ['```sh', ...examples.map(([line, words]) => `${line}    # ${words}`), '```'].join('\n'),
    ];
  });
  return [
    '# pantabox',
    'Every command also has `--json` (one line of JSON, failures too), `--yes` (no questions), `--socket PATH` and `--help`, and is a program of its own: `pantabox-view` is `pantabox view`. [The guide](../pantabox.md) shows them at work; [exit codes](exit-codes.md#pantabox).',
    ...sections,
  ].join('\n\n');
}

/** Text of every page by its path in the checkout. */
export function referencePages(): Map<string, string> {
  const pages = {
    'exit-codes': exitCodesPage(),
    configuration: configurationPage(),
    'control-socket': controlSocketPage(),
    'state-rules': stateRulesPage(),
    pantabox: pantaboxPage(),
  };
  return new Map(
    Object.entries(pages).map(([name, text]) => [`docs/reference/${name}.md`, `${generated}\n\n${text}\n`]),
  );
}

if (import.meta.main) {
  const checkout = fileURLToPath(new URL('../', import.meta.url));
  mkdirSync(`${checkout}docs/reference`, { recursive: true });
  for (const [path, text] of referencePages()) writeFileSync(checkout + path, text);
}

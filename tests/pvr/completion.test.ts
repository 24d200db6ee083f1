import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { makeWorkspace } from '../../apps/pvr/src/testing/workspace.ts';

const launcher = join(import.meta.dirname, '../../apps/pvr/bin/pvr');

/** A repository with an app, and pvr in the PATH. */
async function prepare(context: TestContext): Promise<{ directory: string; environment: Record<string, string> }> {
  const space = makeWorkspace(context);
  const programs = join(space.home, 'bin');
  mkdirSync(programs);
  symlinkSync(launcher, join(programs, 'pvr'));
  await space.ok(['init']);
  space.write({ 'web/src.json': { '#spec': 'service-manifest-src@1' }, 'a file.tar': 'x', 'odd:name/src.json': {} });
  return {
    directory: space.directory,
    environment: { PATH: `${programs}:${process.env.PATH}`, HOME: space.home, TERM: 'dumb', LC_ALL: 'C.UTF-8' },
  };
}

function shell(
  { directory, environment }: Awaited<ReturnType<typeof prepare>>,
  argv: readonly [string, ...string[]],
): string[] {
  const [program, ...rest] = argv;
  const { stdout, stderr, status } = spawnSync(program, rest, {
    cwd: directory,
    encoding: 'utf8',
    env: environment,
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

function skipWithout(program: string): false | string {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? false : `this machine lacks ${program}`;
}

test('bash completes commands, flags, apps and, where nothing else fits, files', {
  skip: skipWithout('bash'),
  timeout: 120_000,
}, async (context) => {
  const place = await prepare(context);
  const complete = (...words: string[]): string[] =>
    shell(place, [
      'bash',
      '--norc',
      '-c',
      `source <(pvr completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pvr; printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      ...words,
    ]);
  assert.deepEqual(complete('pvr', 'stat'), ['status']);
  assert.deepEqual(complete('pvr', 'app', 'inst'), ['install']);
  assert.deepEqual(complete('pvr', 'app', 'info', ''), ['odd:name', 'web']);
  assert.ok(complete('pvr', 'app', 'add', '--fr').includes('--from'));
  assert.deepEqual(complete('pvr', '--config-dir', 'x', 'app', 'rm', 'w'), ['web']);
  assert.deepEqual(complete('pvr', 'completion', 'f'), ['fish']);
  assert.deepEqual(complete('pvr', 'app', 'add', '-t', ''), ['docker', 'rootfs', 'pvr']);
  assert.deepEqual(complete('pvr', 'app', 'add', '--type', '=', 'ro'), ['rootfs']);
  // Bash hands over a name with a colon in pieces, and replaces only the last one.
  assert.deepEqual(complete('pvr', 'app', 'info', 'odd', ':', 'n'), ['name']);
  assert.deepEqual(complete('pvr', 'app', 'info', 'nothing-like-it'), []);
});

test('zsh completes in a terminal', {
  skip: skipWithout('zsh') || skipWithout('script'),
  timeout: 120_000,
}, async (context) => {
  const place = await prepare(context);
  // The completion system runs only in an interactive shell; zpty gives one.
  const driver = `zmodload zsh/zpty
zpty shell "PS1= PROMPT= zsh -f -i"
zpty -w shell 'autoload -Uz compinit && compinit -u -D && source <(pvr completion zsh) && stty -echo && PS1= && echo rea""dy'
zpty -r shell line '*ready*'
zpty -n -w shell $'pvr app info w\\t && echo "<done>"\\n'
zpty -r shell line '*}*'
print -r -- $line
zpty -d shell
`;
  const lines = shell(place, ['zsh', '-f', '-c', driver]).join('\n');
  // The word was completed: the command that ran showed the app.
  assert.match(lines, /"#spec": "service-manifest-src@1"/);
});

test('fish completes with explanations', { skip: skipWithout('fish'), timeout: 120_000 }, async (context) => {
  const place = await prepare(context);
  const complete = (line: string): string[] =>
    shell(place, ['fish', '--no-config', '-c', `pvr completion fish | source; complete -C "${line}"`]);
  assert.deepEqual(complete('pvr stat'), ['status\tshow what differs from the committed state']);
  assert.ok(complete('pvr app info ').includes('web\tapp'));
  assert.ok(complete('pvr app add --fr').some((line) => line.startsWith('--from\t')));
  assert.deepEqual(
    complete('pvr export a').filter((line) => line.startsWith('a')),
    ['a file.tar'],
  );
});

test('the scripts of the original ask with a flag, and get names only', { timeout: 60_000 }, async (context) => {
  const space = makeWorkspace(context);
  writeFileSync(join(space.directory, 'x'), '');
  assert.match(await space.ok(['--generate-bash-completion']), /^clone$/m);
  assert.match(await space.ok(['app', '--generate-bash-completion']), /^install$/m);
});

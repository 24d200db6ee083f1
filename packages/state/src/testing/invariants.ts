/** What holds for every text that is given to `parseState`, be it a state or not. */
import assert from 'node:assert/strict';
import { readJson } from '../json/reader.ts';
import type { ParseContext } from '../model.ts';
import { whyNotName, whyNotRelativePath } from '../paths.ts';
import { type RuleCode, rules } from '../rules.ts';
import { parseState } from '../state.ts';
import { planTransition } from '../transition.ts';

/** Throws when a law of parsing is broken by this text. */
export function checkLaws(text: string, context: ParseContext): void {
  const { state, problems } = parseState(text, context);
  for (const problem of problems) {
    const rule = rules[problem.rule as RuleCode];
    assert.ok(rule, `${problem.rule} is not in the table of rules`);
    assert.equal(problem.severity, rule.severity);
  }
  const rejected = problems.some(({ severity }) => severity === 'error');
  assert.equal(state === undefined, rejected, 'a state is rejected exactly when there is an error');
  const isJson = readJson(text).problems.length === 0;
  if (!state) return;

  assert.ok(isJson, 'an accepted state is JSON');
  assert.equal(state.text, text);
  assert.deepEqual(parseState(text, context), { state, problems }, 'parsing gives the same result twice');
  assert.equal(planTransition(state, state).kind, 'none');

  const groups = new Set(state.groups.map(({ name }) => name));
  assert.equal(groups.size, state.groups.length, 'names of groups are unique');
  const names = new Set(state.containers.map(({ name }) => name));
  assert.equal(names.size, state.containers.length, 'names of containers are unique');
  for (const container of state.containers) {
    assert.ok(groups.has(container.group), 'every container has a group of the state');
    assert.equal(whyNotName(container.name), undefined);
    assert.ok(container.config !== '' || container.statusGoal === 'MOUNTED');
    for (const volume of container.volumes)
      if (volume.source === 'image') assert.equal(whyNotRelativePath(volume.file), undefined);
  }
  for (const [key, value] of Object.entries<{ name?: unknown } | null>(JSON.parse(text))) {
    const manifest =
      key.endsWith('/run.json') && !/^(?:_config|_sigs|bsp)\//.test(key) && state.spec.includes('system');
    if (manifest && value?.name) assert.ok(names.has(String(value.name)), `the container of ${key} is not lost`);
  }
  const paths = [...state.objects, ...state.inline].map(({ path }) => path);
  assert.equal(new Set(paths).size, paths.length, 'a path occurs once');
  for (const path of paths) assert.equal(whyNotRelativePath(path), undefined);
  for (const { id } of state.objects) assert.match(id, /^[0-9a-f]{64}$/);
  const document = JSON.parse(text);
  for (const { path, text: slice, owner } of state.inline) {
    assert.deepEqual(JSON.parse(slice), document[path], 'inline JSON is a slice of the document');
    assert.ok(owner === undefined || names.has(owner));
  }
}

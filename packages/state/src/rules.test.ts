import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJson } from './json/reader.ts';
import { formatProblem } from './report.ts';
import { type RuleCode, rules } from './rules.ts';
import { parseState } from './state.ts';
import { appEngine } from './testing/states.ts';
import { violations } from './testing/violations.ts';

const codes = Object.keys(rules) as RuleCode[];

for (const code of codes) {
  test(`rule ${code} fires, with the severity of the table, at a place that exists`, () => {
    const { text, context = appEngine } = violations[code];
    const { state, problems } = parseState(text, context);
    const found = problems.find(({ rule }) => rule === code);
    assert.ok(found, problems.map(formatProblem).join('\n') || 'no problem at all');
    assert.equal(found.severity, rules[code].severity);
    const rejected = problems.some(({ severity }) => severity === 'error');
    assert.equal(state === undefined, rejected);
    if (found.severity === 'error') assert.match(found.message, /^cannot /);
    if (found.line !== undefined) assert.ok(found.line >= 1 && (found.column ?? 0) >= 1);
    assert.ok(formatProblem(found).endsWith(`[${code}]`));
  });
}

test('a rule of severity warning alone rejects nothing', () => {
  const warnings = codes.filter((code) => rules[code].severity === 'warning' && code !== 'too-many-problems');
  for (const code of warnings) {
    const { text, context = appEngine } = violations[code];
    const { state, problems } = parseState(text, context);
    const errors = problems.filter(({ severity }) => severity === 'error');
    // The example of this rule breaks another one as well, because it can only be broken that way.
    if (code === 'key-prefix')
      assert.deepEqual(
        errors.map(({ rule }) => rule),
        ['container-config-missing'],
      );
    else if (code === 'legacy-inert') assert.ok(state);
    else assert.ok(state, `${code}: ${errors.map(formatProblem).join('\n')}`);
  }
});

test('every pointer of a problem leads to a value, or to the object that lacks it', () => {
  for (const code of codes) {
    const { text, context = appEngine } = violations[code];
    if (code.startsWith('json-')) continue;
    const { root } = readJson(text);
    for (const { path } of parseState(text, context).problems) {
      let node = root;
      for (const step of path.split('/').slice(1)) {
        const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
        if (node?.kind === 'object') node = node.members.findLast((member) => member.key === key)?.value;
        else node = node?.kind === 'array' ? node.items[Number(key)] : undefined;
      }
      assert.ok(node, `${code}: ${path} leads nowhere`);
    }
  }
});

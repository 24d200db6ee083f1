import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createElement } from 'react';
import { show } from '../testing/dom.ts';
import { compareJson, compareStates, type Side } from './compare.ts';

const { DiffView } = await import('./view.tsx');
const sha = (letter: string) => letter.repeat(64);

function side(root: string, conf: string, run: Record<string, unknown> = {}, more: Record<string, unknown> = {}): Side {
  const state = {
    '#spec': 'pantavisor-service-system@1',
    'web/run.json': {
      '#spec': 'service-manifest-run@1',
      name: 'web',
      group: 'app',
      type: 'lxc',
      config: 'lxc.container.conf',
      'root-volume': 'root.squashfs',
      ...run,
    },
    'web/lxc.container.conf': sha('c'),
    'web/root.squashfs': sha(root),
    '_config/web/etc/app.conf': sha(conf),
    ...more,
  };
  return {
    state,
    sizes: new Map([
      ['web/root.squashfs', 5_000_000],
      ['web/lxc.container.conf', 100],
      ['_config/web/etc/app.conf', 40],
    ]),
  };
}

test('what is fetched is what the device has not, each object once', () => {
  const after = side('b', 'd', {}, { 'copy.squashfs': sha('b') });
  const { download, parts } = compareStates(side('a', 'd'), {
    ...after,
    sizes: new Map([...after.sizes, ['copy.squashfs', 5_000_000]]),
  });
  assert.equal(download, 5_000_000);
  assert.deepEqual(
    parts.map(({ name, change, files }) => [name, change, files.map(({ key }) => key)]),
    [
      ['web', 'changed', ['web/root.squashfs']],
      ['', 'changed', ['copy.squashfs']],
    ],
  );
});

test('a change of a container restarts it alone, one of the device reboots', () => {
  assert.deepEqual(
    compareStates(side('a', 'd'), side('a', 'e', { restart_policy: 'container' })).transition?.kind,
    'non-reboot',
  );
  assert.deepEqual(
    compareStates(side('a', 'd'), side('a', 'd', {}, { 'kernel.img': sha('f') })).transition?.kind,
    'reboot',
  );
});

test('JSON is compared member by member', () => {
  assert.deepEqual(compareJson({ a: 1, b: { c: [1, 2], d: true } }, { b: { c: [1, 3], d: true }, e: null }), [
    { path: 'a', before: '1' },
    { path: 'b / c / 1', before: '2', after: '3' },
    { path: 'e', after: 'null' },
  ]);
});

test('three levels: meaning, files, and their content when it is asked for', async () => {
  const asked: string[] = [];
  const fetchText = async (which: string, key: string) => {
    asked.push(`${which} ${key}`);
    return which === 'before'
      ? 'title = one\nport = 80\n<script>alert(1)</script>\n'
      : 'title = two\nport = 80\n<script>alert(1)</script>\n';
  };
  const shown = await show(
    createElement(DiffView, {
      before: side('a', 'd'),
      after: side('b', 'e', { status_goal: 'READY', restart_policy: 'container' }),
      fetchText,
    }),
  );
  assert.match(shown.text(), /4\.8 MiB to download/);
  assert.match(shown.text(), /No reboot\.Restarts: web\./);
  assert.deepEqual(asked, [], 'nothing is fetched before somebody looks');
  const open = (key: string) => {
    const button = [...shown.root.querySelectorAll('button')].find((one) => one.textContent?.endsWith(key));
    assert.ok(button, key);
    return shown.act(() => button.click());
  };
  await open('web/run.json');
  assert.match(shown.text(), /status_goal\(not there\)"READY"/);
  await open('_config/web/etc/app.conf');
  await shown.act(async () => {
    await new Promise((resolve) => setTimeout(resolve));
  });
  assert.deepEqual(asked, ['before _config/web/etc/app.conf', 'after _config/web/etc/app.conf']);
  assert.equal(shown.root.querySelector('ins')?.textContent, '+ title = two\n');
  assert.equal(shown.root.querySelector('del')?.textContent, '- title = one\n');
  // Content of others is text, never markup.
  assert.equal(shown.root.querySelector('script'), null);
  assert.match(shown.text(), /<script>alert\(1\)<\/script>/);
  await shown.end();
});

test('large and binary files are compared by size and hash', async () => {
  const shown = await show(
    createElement(DiffView, { before: side('a', 'd'), after: side('b', 'd'), fetchText: async () => undefined }),
  );
  const button = shown.root.querySelector('button[aria-expanded]') as HTMLButtonElement;
  await shown.act(() => button.click());
  assert.match(shown.text(), /Larger than 256 KiB: compared by size and hash\./);
  await shown.end();
});

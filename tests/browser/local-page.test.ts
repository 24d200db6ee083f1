/** The page that a device serves by itself: what runs, a transaction from its begin to its revision, logs. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configPackage, tgzOf } from '../../apps/device-tools/src/pvtx/testing/packages.ts';
import { atEnd } from '../harness/cleanup.ts';
import { EndpointBench } from '../harness/endpoint.ts';
import { browserMissing, demandAccessible, openBrowser, picture, type SizeName, visit } from './support/browser.ts';

const config = { skip: browserMissing, timeout: 120_000 };

test('a person changes a device on its own page', config, async (t) => {
  const bench = await EndpointBench.start();
  atEnd(t, () => bench.stop());
  const browser = await openBrowser(t);
  const at = `http://127.0.0.1:${bench.port}`;
  for (const [size, scheme] of [
    ['desktop', 'light'],
    ['phone', 'dark'],
  ] as [SizeName, 'light' | 'dark'][]) {
    // Without a transaction the first question is answered by 400, which the browser tells.
    const { page, complaints } = await visit(browser, at, { size, scheme, expected: /status of 400/ });
    await page.goto('/app/');
    await page.getByText('Factory revision').waitFor();
    await page.getByRole('button', { name: 'Begin with the running revision' }).click();
    const made = configPackage('config', { '_config/web/a': 'one' }, ['_config/web/**']);
    await page
      .getByLabel('Package')
      .setInputFiles({ name: 'web.tgz', mimeType: 'application/gzip', buffer: tgzOf(made) });
    await page.getByText('web.tgz is added').waitFor();
    await page.getByText('web (1 file)').waitFor();
    await demandAccessible(page, `the page of a device, ${size}`);
    const width = await page.evaluate('document.documentElement.scrollWidth <= innerWidth');
    assert.equal(width, true, `${size}: wider than the screen`);
    await picture(page, `device-page-${size}-${scheme}`, { fullPage: true });
    await page.getByRole('button', { name: 'Remove web' }).click();
    await page.getByText('web is removed').waitFor();
    await page.getByRole('button', { name: 'Make a revision and run it' }).click();
    await page.getByText(/^locals\/pvtx-\S+: NEW/).waitFor();
    const { payload = '' } = bench.rooms.commands.submitted.at(-1) as { payload?: string };
    const progress = join(bench.folder, 'storage/trails', payload, '.pv');
    mkdirSync(progress, { recursive: true });
    writeFileSync(join(progress, 'progress'), '{"status":"UPDATED","status-msg":"fine","progress":100,"retries":0}');
    await page.getByText('The device runs the new revision.').waitFor();
    assert.deepEqual(complaints, []);
    await page.context().close();
  }
});

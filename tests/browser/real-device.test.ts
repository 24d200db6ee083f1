/** A real device on a real hub, watched in the console: its factory revision, its log, an update that holds and one that does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipWithoutContainers } from '../harness/facilities.ts';
import { OnlineDevice, withWeb } from '../harness/online-device.ts';
import { probeContainer } from '../harness/revision.ts';
import { browserMissing, demandAccessible, logIn, openBrowser, picture, visit } from './support/browser.ts';

const options = { skip: browserMissing || (await skipWithoutContainers()), timeout: 240_000 };

test('an update is watched as it goes, and a rollback as it happens', options, async (t) => {
  const online = await OnlineDevice.install(t);
  const { id } = await online.account.device();
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, online.account.hub.url);
  await logIn(page, 'user1', 'user1');
  await page.goto(`/u/user1/devices/${id}`);
  await page.getByText('Runs revision 0.').waitFor();
  await page.getByRole('group', { name: 'Containers' }).getByRole('cell', { name: 'web', exact: true }).waitFor();

  const good = await online.post(id, 'next', withWeb('second'));
  const update = page.getByRole('region', { name: 'Update' });
  await update.getByRole('heading', { name: `Update to revision ${good}` }).waitFor();
  assert.equal((await online.ended(id, good)).status, 'UPDATED');
  await page.getByText(`Runs revision ${good}.`).waitFor();
  await picture(page, 'real-device-updated', { fullPage: true });

  const broken = await online.post(id, 'broken', [probeContainer('web', ['crash', '3']), probeContainer('db')]);
  await update.getByRole('heading', { name: `Update to revision ${broken}` }).waitFor();
  assert.equal((await online.ended(id, broken)).status, 'ERROR');
  await update.getByText('The device went back to the revision before.').waitFor();
  await demandAccessible(page, 'a real rollback');
  await picture(page, 'real-device-rolled-back', { fullPage: true });

  // What led to it is in the log, found by text, and has an address of its own.
  await page.getByRole('navigation', { name: 'About this device' }).getByRole('link', { name: 'Logs' }).click();
  const log = page.getByRole('log', { name: 'Log lines' });
  await log.getByText(/\S/).first().waitFor();
  await demandAccessible(page, 'the log');
  await picture(page, 'real-device-log');
  await page.getByRole('textbox', { name: 'Text' }).fill('revision');
  await page.waitForURL(/text=revision/);
  await log.getByRole('button').first().click();
  await page
    .getByRole('complementary', { name: 'Line' })
    .getByText(/\?line=/)
    .waitFor();

  // Both revisions, side by side.
  await page.goto(`/u/user1/devices/${id}/diff?from=${good}&to=${broken}`);
  await page.getByText(/Restarts: web/).waitFor();
  await picture(page, 'real-device-diff', { fullPage: true });
  assert.deepEqual(complaints, []);
  await online.run.stop();
});

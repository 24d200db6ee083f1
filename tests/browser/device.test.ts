/** One device, from its summary to its metadata: what people look up and change every day. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserMissing, demandAccessible, logIn, openBrowser, picture, visit } from './support/browser.ts';
import { openLab } from './support/lab.ts';

const options = { skip: browserMissing, timeout: 240_000 };

test('a device is looked at from all sides', options, async (t) => {
  const lab = await openLab(t);
  const device = await lab.device();
  await device.begin();
  const first = await device.post(await device.state(1), 'Blue title');
  await device.report(first, 'DONE', 100, 'Update finished, revision set as rollback point');
  const second = await device.post(await device.state(2, { web: { status_goal: 'READY' } }), 'Readiness of web');
  await device.report(second, 'DOWNLOADING', 20, '', [
    {
      object_name: 'web/root.squashfs',
      object_id: 'a',
      total_size: 2_000_000,
      start_time: 1,
      current_time: 2,
      total_downloaded: 500_000,
    },
  ]);
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, lab.world.url);
  await logIn(page, 'ada', 'password');
  await page.goto(`/u/ada/devices/${device.id}`);

  // The update, live.
  const update = page.getByRole('region', { name: 'Update' });
  await update.getByText('web/root.squashfs').waitFor();
  await update.getByText('488 KiB of 1.9 MiB').waitFor();
  await page.getByText('Raspberry Pi 4').waitFor();
  await demandAccessible(page, 'the summary of a device');
  await picture(page, 'device-summary-light', { fullPage: true });
  await device.report(second, 'TESTING', 80, 'Awaiting to see if update is stable');
  await update.getByText('Awaiting to see').first().waitFor();
  await device.report(second, 'ERROR', 100, 'container web exited with code 3');
  await update.getByText('The device went back to the revision before.').waitFor();
  await update.getByText('container web exited with code 3').first().waitFor();
  await picture(page, 'device-rolled-back-light');
  await demandAccessible(page, 'a rollback');

  const tab = (name: string) =>
    page.getByRole('navigation', { name: 'About this device' }).getByRole('link', { name }).click();
  await tab('Apps');
  await page.getByRole('cell', { name: 'nginx:latest' }).waitFor();
  await demandAccessible(page, 'the apps');
  await picture(page, 'device-apps-light');
  await tab('Files');
  await page.getByRole('textbox', { name: 'Filter files' }).fill('app.conf');
  await page.getByRole('cell', { name: '_config/web/etc/app.conf', exact: true }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download _config/web/etc/app.conf' }).click(),
  ]);
  const stream = await download.createReadStream();
  let content = '';
  for await (const piece of stream) content += String(piece);
  assert.match(content, /Version 2/);
  await demandAccessible(page, 'the files');
  await tab('State');
  await page.getByText('web/run.json').first().click();
  await page.getByText('"status_goal": "READY"').waitFor();
  await demandAccessible(page, 'the state');
  await picture(page, 'device-state-light');

  await tab('Metadata');
  await page.getByRole('textbox', { name: 'Key' }).fill('tag.site');
  await page.getByRole('textbox', { name: 'Value' }).fill('berlin');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('cell', { name: 'tag.site' }).first().waitFor();
  await page.getByRole('button', { name: 'Change tag.site' }).click();
  await page.getByRole('textbox', { name: 'Change tag.site' }).fill('madrid');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('cell', { name: 'madrid' }).first().waitFor();
  await page.getByRole('group', { name: 'Changes' }).getByRole('cell', { name: 'berlin' }).first().waitFor();
  await demandAccessible(page, 'the metadata');
  await picture(page, 'device-metadata-light', { fullPage: true });
  await page.getByRole('button', { name: 'Undo: tag.site' }).first().click();
  await page.getByRole('group', { name: 'User metadata' }).getByRole('cell', { name: 'berlin' }).waitFor();

  await tab('Revisions');
  await page.getByRole('checkbox', { name: 'Select revision 1 to compare' }).check();
  await page.getByRole('checkbox', { name: 'Select revision 2 to compare' }).check();
  await picture(page, 'device-revisions-light');
  await demandAccessible(page, 'the revisions');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.getByText('Restarts: web.').waitFor();
  await page.getByRole('button', { name: 'web/run.json' }).click();
  await page.getByRole('rowheader', { name: 'status_goal' }).waitFor();
  await page.getByRole('button', { name: '_config/web/etc/app.conf' }).click();
  await page.getByText('+ title = Version 2').waitFor();
  await page.getByRole('button', { name: 'web/root.squashfs' }).click();
  await page.getByText('Not text: compared by size and hash.').waitFor();
  await demandAccessible(page, 'a comparison');
  await picture(page, 'diff-light', { fullPage: true });

  // Deploys the good one again, after a look at what that means.
  await tab('Revisions');
  await page.getByRole('button', { name: 'Actions of revision 1' }).click();
  await page.getByRole('menuitem', { name: 'Deploy again…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('What changes against the newest revision').waitFor();
  await demandAccessible(page, 'a redeployment');
  await picture(page, 'redeploy-light');
  await dialog.getByRole('button', { name: 'Deploy' }).click();
  await page.getByText('Posted as revision 3.').first().waitFor();
  const states = await Promise.all(
    [1, 3].map((rev) => lab.world.get(`/trails/${device.id}/steps/${rev}/state`, lab.owner.token)),
  );
  assert.deepEqual(states[1], states[0]);

  // A stranger sees it once it is published, and nothing private of it.
  await page.getByRole('button', { name: 'Actions', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Publish…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
  await page.getByText('Everybody can see this device now.').first().waitFor();
  const stranger = await visit(browser, lab.world.url, { scheme: 'dark' });
  await stranger.page.goto(`/u/ada/devices/${device.nick}`);
  await stranger.page.getByText('pvr clone').first().waitFor();
  assert.equal(await stranger.page.getByRole('link', { name: 'Metadata' }).count(), 0);
  await demandAccessible(stranger.page, 'a public device');
  await picture(stranger.page, 'public-device-dark', { fullPage: true });
  await stranger.page.goto('/u/ada');
  await stranger.page.getByRole('link', { name: device.nick }).waitFor();
  await stranger.page.goto('/');
  await stranger.page.getByRole('button', { name: 'Log in' }).waitFor();
  assert.deepEqual([...complaints, ...stranger.complaints], []);
});

test('every tab of a device fits a phone, in the dark', options, async (t) => {
  const lab = await openLab(t);
  const device = await lab.device();
  await device.begin();
  const first = await device.post(
    await device.state(1),
    'A commit message that is long enough to need more than one line on a phone',
  );
  await device.report(first, 'WONTGO', 100, 'State JSON has bad format: /web~1run.json/group names no group');
  await device.log([{ msg: '\u001b[32mready\u001b[0m to serve' }, { msg: 'cannot open /etc/missing', lvl: 'ERROR' }]);
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, lab.world.url, { size: 'phone', scheme: 'dark' });
  await logIn(page, 'ada', 'password');
  const base = `/u/ada/devices/${device.id}`;
  const tabs: [string, string][] = [
    ['', 'Update to revision 1'],
    ['/apps', 'nginx:latest'],
    ['/files', 'web/run.json'],
    ['/state', 'web/run.json'],
    ['/metadata', 'pantavisor.version'],
    ['/revisions', 'Compare'],
    ['/diff?from=0&to=1', 'Restarts'],
    ['/logs', 'ready'],
    ['/edit?file=web%2Frun.json', 'web/run.json'],
  ];
  for (const [path, text] of tabs) {
    await page.goto(base + path);
    await page.getByText(text).first().waitFor();
    const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
    assert.ok(width <= 320, `${path} is ${width} wide`);
    await demandAccessible(page, `${path} on a phone`);
    await picture(page, `phone-dark${path.replaceAll(/[/?=&%]/g, '-')}`);
  }
  assert.deepEqual(complaints, []);
});

/** Journeys through the console: claiming, editing, taking an app from somebody else, and changing many devices at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedFleet } from '../harness/seed-fleet.ts';
import { browserMissing, demandAccessible, logIn, openBrowser, picture, visit } from './support/browser.ts';
import { LabDevice, openLab } from './support/lab.ts';

const options = { skip: browserMissing, timeout: 240_000 };

test(
  'a device is claimed, comes online, is changed in the editor, and takes an app from another one',
  options,
  async (t) => {
    const { world, owner, device } = await openLab(t);
    const made = (await world.must('POST', '/devices/')) as unknown as {
      id: string;
      prn: string;
      secret: string;
      challenge: string;
    };
    const browser = await openBrowser(t);
    const { page, complaints } = await visit(browser, world.url);
    await logIn(page, 'ada', 'password');
    await page.getByRole('heading', { name: 'No devices yet' }).waitFor();
    await demandAccessible(page, 'an empty overview');
    await page.getByRole('link', { name: 'Add a device' }).first().click();
    await page
      .getByLabel('Paste what the device shows')
      .fill(`pvr claim -c ${made.challenge} ${world.url}/devices/${made.id}`);
    await demandAccessible(page, 'the claim');
    await picture(page, 'claim-light');
    await page.getByRole('button', { name: 'Claim', exact: true }).click();
    await page.getByText('Waiting for the device to send its factory revision.', { exact: false }).first().waitFor();
    const token = await world.login(made.prn, made.secret);
    const nick = String((await world.get(`/devices/${made.id}`, owner.token)).nick);
    const mine = new LabDevice(world, owner, { id: made.id, nick, token });
    await mine.begin();
    await page.getByText('The device is online and has sent its factory revision.').first().waitFor();
    await page.getByRole('link', { name: 'Open the device' }).click();

    // The editor: a mistake is shown where it is, a configuration file is new, the difference comes before the deployment.
    await page.getByRole('link', { name: 'Edit' }).click();
    const files = page.getByRole('navigation', { name: 'Files of the revision' });
    await files.getByText('web', { exact: true }).waitFor();
    await page.goto(`/u/ada/devices/${made.id}/edit?file=web%2Frun.json`);
    const code = page.getByRole('textbox', { name: 'web/run.json' });
    await code.waitFor();
    const manifest = {
      '#spec': 'service-manifest-run@1',
      config: 'lxc.container.conf',
      name: 'web',
      'root-volume': 'root.squashfs',
      type: 'lxc',
      group: 'nowhere',
    };
    await code.fill(JSON.stringify(manifest, undefined, 2));
    await page
      .getByRole('region', { name: /^Problems/ })
      .getByText(/nowhere/)
      .first()
      .waitFor();
    await demandAccessible(page, 'the editor with a problem');
    await picture(page, 'editor-light');
    await code.fill(JSON.stringify({ ...manifest, group: 'app', status_goal: 'READY' }, undefined, 2));
    await page
      .getByText(/nowhere/)
      .first()
      .waitFor({ state: 'detached' });
    await files.getByRole('button', { name: 'New file' }).click();
    await page.getByLabel('Path in the state').fill('_config/web/etc/motd');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('textbox', { name: '_config/web/etc/motd' }).fill('welcome');
    await page.getByRole('button', { name: 'Review and deploy…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Restarts: web.').waitFor();
    await dialog.getByRole('button', { name: '_config/web/etc/motd' }).click();
    await dialog.getByText('+ welcome').waitFor();
    await demandAccessible(page, 'the review');
    await picture(page, 'review-light');
    await dialog.getByLabel('Commit message').fill('Say welcome');
    await dialog.getByRole('button', { name: 'Deploy' }).click();
    await page.getByText('Posted as revision 1.').first().waitFor();
    const state = await world.get(`/trails/${made.id}/steps/1/state`, owner.token);
    assert.equal((state['web/run.json'] as unknown as { status_goal: string }).status_goal, 'READY');
    const sha = String(state['_config/web/etc/motd']);
    const object = await world.get(`/objects/${sha}`, owner.token);
    assert.equal((await world.ask('GET', String(object['signed-geturl']))).text, 'welcome');

    // An app of a public device of somebody else.
    const grace = await world.person('grace');
    const source = new LabDevice(world, grace, await world.device(grace));
    await source.begin();
    await world.must('PUT', `/devices/${source.id}/public`, { token: grace.token });
    const target = await device();
    await target.begin();
    await page.goto(`/market?source=grace/${source.nick}`);
    await page.getByRole('button', { name: 'Add to a device…' }).first().waitFor();
    await demandAccessible(page, 'the marketplace');
    await picture(page, 'market-light');
    const row = page.getByRole('listitem').filter({ hasText: 'web' });
    await row.getByRole('button', { name: 'Add to a device…' }).click();
    await dialog.getByLabel('Your device').fill(nick);
    await dialog.getByRole('button', { name: 'Review' }).click();
    await dialog.getByText('web is replaced.').waitFor();
    await dialog.getByRole('button', { name: 'Deploy' }).click();
    await page.getByText('Posted as revision 2.').first().waitFor();
    assert.deepEqual(complaints, []);
  },
);

test('many devices are changed at once, after a look at which', options, async (t) => {
  const { world, owner } = await openLab(t);
  const ids = await seedFleet(world.hub, owner.prn, 200);
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, world.url, { expected: /403/ });
  await logIn(page, 'ada', 'password');
  await page.getByText('heard within 15 minutes').waitFor();
  await demandAccessible(page, 'the overview');
  await picture(page, 'overview-light', { fullPage: true });
  await page.goto('/u/ada/devices?q=status:failed');
  await page.getByRole('checkbox', { name: 'Select all that match' }).check();
  await page.getByRole('button', { name: 'Set a tag…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Tag', exact: true }).fill('care');
  await dialog.getByRole('textbox', { name: /^Value/ }).fill('soon');
  await dialog.getByText(/This will change 10 devices/).waitFor();
  await dialog.getByText('Keep the tab open until it is done.', { exact: false }).waitFor();
  await demandAccessible(page, 'a bulk action');
  await picture(page, 'bulk-light');
  await dialog.getByRole('button', { name: 'Do it to 10 devices' }).click();
  await dialog.getByText('Done: 10 devices.').waitFor();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.goto('/u/ada/devices?q=tag:care%3Dsoon');
  await page.getByText('10 devices').first().waitFor();

  await page.getByRole('checkbox', { name: 'Select all that match' }).check();
  await page.getByRole('button', { name: 'Deploy a revision…' }).click();
  await dialog.getByText('The revision that ran before, of each device by itself').click();
  // The hub refuses three of them; only these are tried again.
  const posts: string[] = [];
  await page.route('**/trails/*/steps', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    posts.push(route.request().url());
    return posts.length > 7 && posts.length <= 10
      ? route.fulfill({ status: 403, json: { msg: 'cannot post: not now', reason: 'not-permitted' } })
      : route.continue();
  });
  await dialog.getByRole('button', { name: 'Do it to 10 devices' }).click();
  await dialog.getByText('7 done, 3 failed.').waitFor();
  await demandAccessible(page, 'a bulk action of which some failed');
  await picture(page, 'bulk-failed-light');
  await dialog.getByRole('button', { name: 'Try the 3 failed ones again' }).click();
  await dialog.getByText('Done: 10 devices.').waitFor();
  assert.equal(posts.length, 13);
  await dialog.getByRole('button', { name: 'Done' }).click();
  const tagged = await world.get('/fleet/devices?q=tag:care%3Dsoon', owner.token);
  const devices = tagged.devices as unknown as { status: string; id: string }[];
  assert.ok(devices.every(({ status, id }) => status === 'NEW' && ids.includes(id)));
  assert.deepEqual(complaints, []);
});

test('tokens, sessions and settings of an account', options, async (t) => {
  const { world, owner } = await openLab(t);
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, world.url, { scheme: 'dark' });
  await logIn(page, 'ada', 'password');
  await page.goto('/account/tokens');
  await page.getByRole('button', { name: 'Make a token' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('ci');
  await dialog.getByRole('button', { name: 'Make a token' }).click();
  await dialog.getByText('Copy the secret now').waitFor();
  const secret = (await dialog.locator('code').last().textContent()) ?? '';
  await demandAccessible(page, 'a new token');
  await world.login('ci', secret);
  await page.keyboard.press('Escape');
  await page.getByRole('cell', { name: 'ci', exact: true }).waitFor();
  await picture(page, 'tokens-dark');
  await page.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('No tokens yet.').waitFor();
  assert.equal((await world.ask('POST', '/auth/login', { body: { username: 'ci', password: secret } })).status, 401);

  await page.goto('/settings/metadata');
  await page.getByRole('textbox', { name: 'Key' }).fill('pvr-sdk.authorized_keys');
  await page.getByRole('textbox', { name: 'Value' }).fill('ssh-ed25519 AAAA');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('cell', { name: 'pvr-sdk.authorized_keys', exact: true }).waitFor();
  await demandAccessible(page, 'the settings');
  const device = await world.device(owner);
  assert.equal(
    (await world.get(`/devices/${device.id}/user-meta`, owner.token))['pvr-sdk.authorized_keys'],
    'ssh-ed25519 AAAA',
  );

  // Another browser is logged out from this one.
  const other = await visit(browser, world.url, { expected: /401/ });
  await logIn(other.page, 'ada', 'password');
  await page.goto('/account/sessions');
  await page.getByText('this browser', { exact: true }).waitFor();
  await demandAccessible(page, 'the sessions');
  await page.getByRole('button', { name: 'Log out', exact: true }).click();
  await page.getByRole('button', { name: 'Log out', exact: true }).waitFor({ state: 'detached' });
  await other.page.goto('/account/tokens');
  await other.page.waitForURL(/\/login/);
  await page.goto('/account/profile');
  await page.getByLabel('Company').fill('Analytical Engines');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').first().waitFor();
  await demandAccessible(page, 'the profile');
  assert.deepEqual(complaints, []);
});

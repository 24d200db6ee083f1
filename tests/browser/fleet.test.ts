/** The list of a large fleet: searching, narrowing down, sorting, scrolling to the end, and deep links. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atEnd } from '../harness/cleanup.ts';
import { seedFleet } from '../harness/seed-fleet.ts';
import { World } from '../hub/support/world.ts';
import { browserMissing, demandAccessible, logIn, openBrowser, picture, visit } from './support/browser.ts';

const options = { skip: browserMissing, timeout: 180_000 };
const fleetSize = 10_000;

test('ten thousand devices are searched, narrowed down, sorted and scrolled', options, async (t) => {
  const world = await World.start({});
  atEnd(t, () => world.stop());
  const owner = await world.person('fleetowner');
  await seedFleet(world.hub, owner.prn, fleetSize);
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, world.url);
  await logIn(page, 'fleetowner', 'password');
  await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name: 'Devices' }).click();
  const table = page.getByRole('table', { name: 'Devices' });
  await table.getByRole('link', { name: 'berlin_000000' }).waitFor();
  assert.equal(await table.getAttribute('aria-rowcount'), String(fleetSize + 1));
  const rows = await table.getByRole('row').count();
  assert.ok(rows < 100, `${rows} rows exist at once`);
  await demandAccessible(page, 'the list of devices');
  await picture(page, 'devices-light');

  await page.getByRole('textbox', { name: 'Query' }).fill('status:failed tag:ring=canary');
  await page.waitForURL(/q=status%3Afailed/);
  await page
    .getByText(/^\d+ devices$/)
    .first()
    .waitFor();
  const canary = Number(await table.getAttribute('aria-rowcount')) - 1;
  assert.ok(canary > 0 && canary < fleetSize / 10, `${canary} devices`);
  await page.getByRole('checkbox', { name: /Status: WONTGO/ }).check();
  await page.waitForURL(/status%3AWONTGO/);
  await page.reload();
  await page.getByRole('checkbox', { name: /Status: WONTGO/, checked: true }).waitFor();
  await page.getByRole('button', { name: 'Clear the query' }).click();
  await page.getByText('10,000 devices').first().waitFor();

  await page
    .getByRole('button', { name: /Sort|Device/ })
    .first()
    .click();
  await page.waitForURL(/sort=-nick/);
  await table
    .getByRole('link', { name: /^toronto_/ })
    .first()
    .waitFor();
  await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
  await table.getByRole('link', { name: 'berlin_000000' }).waitFor();

  // By keyboard alone: search, choose, open.
  await page.keyboard.press('/');
  await page.getByRole('combobox').fill('singapore_000103');
  await page.getByRole('option', { name: /singapore_000103/ }).waitFor();
  await picture(page, 'palette');
  await demandAccessible(page, 'the search');
  await page.keyboard.press('Escape');
  assert.deepEqual(complaints, []);
});

test('the list is usable on a phone and in the dark', options, async (t) => {
  const world = await World.start({});
  atEnd(t, () => world.stop());
  const owner = await world.person('fleetowner');
  await seedFleet(world.hub, owner.prn, 60);
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, world.url, { size: 'phone', scheme: 'dark' });
  await logIn(page, 'fleetowner', 'password');
  await page.goto('/u/fleetowner/devices');
  await page.getByRole('link', { name: 'berlin_000000' }).waitFor();
  const width = await page.evaluate('document.documentElement.scrollWidth');
  assert.ok(Number(width) <= 320, `the page is ${width} wide`);
  await demandAccessible(page, 'the list on a phone');
  await picture(page, 'devices-phone-dark');
  await page.getByRole('button', { name: 'Menu' }).click();
  await picture(page, 'menu-phone-dark');
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  assert.deepEqual(complaints, []);
});

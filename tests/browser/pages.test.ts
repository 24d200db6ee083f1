/** Every page, on a desk and a tablet, in both schemes: accessible, no wider than the screen, and without complaints. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { atEnd } from '../harness/cleanup.ts';
import { seedFleet } from '../harness/seed-fleet.ts';
import { World } from '../hub/support/world.ts';
import {
  browserMissing,
  demandAccessible,
  logIn,
  openBrowser,
  picture,
  type SizeName,
  sizes,
  visit,
} from './support/browser.ts';
import { LabDevice } from './support/lab.ts';

const options = { skip: browserMissing, timeout: 600_000 };

for (const [size, scheme] of [
  ['desktop', 'light'],
  ['tablet', 'dark'],
] as const)
  test(`every page is accessible and fits: ${size}, ${scheme}`, options, (t) => lookAtAll(t, size, scheme));

async function lookAtAll(t: TestContext, size: SizeName, scheme: 'light' | 'dark'): Promise<void> {
  const images = mkdtempSync(join(tmpdir(), 'images-'));
  atEnd(t, () => rmSync(images, { recursive: true, force: true }));
  writeFileSync(join(images, 'board.img'), `PH_FACTORY_AUTOTOK=${'@'.repeat(64)}\n`);
  const world = await World.start({ images, 'default-plan': 'UNLIMITED' });
  atEnd(t, () => world.stop());
  const owner = await world.person('ada');
  await seedFleet(world.hub, owner.prn, 40);
  const device = new LabDevice(world, owner, await world.device(owner));
  await device.begin();
  const held = await device.post(await device.state(1), 'Blue title');
  await device.report(held, 'DONE', 100, 'Update finished, revision set as rollback point');
  const broken = await device.post(await device.state(2), 'Something that does not hold');
  await device.report(broken, 'ERROR', 100, 'container web exited with code 3');
  await device.log([{ msg: 'ready to serve' }]);
  await world.must('PUT', `/devices/${device.id}/public`, { token: owner.token });
  const fresh = await world.device(owner);
  const one = `/u/ada/devices/${device.id}`;
  const open: [string, string][] = [
    ['/login', 'Log in'],
    ['/signup', 'Make an account'],
    ['/recover', 'Recover your account'],
    ['/reset_password', 'Choose a new password'],
    ['/u/ada/devices', device.nick],
    [one, 'Revision 2 did not hold.'],
    ['/u/ada/devices/nobody', 'This belongs to somebody else'],
  ];
  const own: [string, string][] = [
    ['/', 'Latest changes'],
    ['/u/ada/devices', '42 devices'],
    ['/claim?id=63593333a2ebef000a2fd62e&challenge=plainly-dynamic-wombat', 'Pair with this account on first boot'],
    ['/market', device.nick],
    [`/market?source=ada/${device.nick}`, 'nginx:latest'],
    ['/account/tokens', 'No tokens yet.'],
    ['/account/profile', 'Company'],
    ['/account/sessions', 'this browser'],
    ['/account/apps', 'No clients yet.'],
    ['/settings/metadata', 'API reference'],
    [`/u/ada/devices/${fresh.id}`, 'Waits for its factory revision.'],
    [one, 'The device went back'],
    [`${one}/apps`, 'nginx:latest'],
    [`${one}/files`, 'web/run.json'],
    [`${one}/state`, 'web/run.json'],
    [`${one}/metadata`, 'pantavisor.version'],
    [`${one}/revisions`, 'Something that does not hold'],
    [`${one}/diff?from=1&to=2`, 'Restarts'],
    [`${one}/logs`, 'ready to serve'],
    [`${one}/edit?file=web%2Frun.json`, 'service-manifest-run@1'],
  ];
  const browser = await openBrowser(t);
  const { page, complaints } = await visit(browser, world.url, { size, scheme, expected: /403/ });
  const look = async (who: string, pages: readonly [string, string][]) => {
    for (const [path, text] of pages) {
      await page.goto(path);
      await page.getByText(text).first().waitFor();
      const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
      assert.ok(width <= sizes[size].width, `${path} is ${width} wide`);
      await demandAccessible(page, `${path} for ${who}, ${scheme}`);
      const name = path.replace(device.id, 'one').replace(fresh.id, 'new').replaceAll(/\W+/g, '-');
      await picture(page, `${size}-${scheme}-${who}${name}`, { fullPage: true });
    }
  };
  await look('stranger', open);
  await logIn(page, 'ada', 'password');
  await look('owner', own);
  // The code and what comes with it, and a token that is shown once.
  await page.goto(own[2]?.[0] ?? '');
  await page.getByText('Link and QR code of this claim').click();
  await page.getByRole('img', { name: 'Link and QR code of this claim' }).waitFor();
  await page.getByRole('button', { name: 'Make a join token' }).click();
  await page.getByText('Copy it now: it is shown only once.').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download the image' }).click(),
  ]);
  let content = '';
  for await (const piece of await download.createReadStream()) content += String(piece);
  assert.match(content, /^PH_FACTORY_AUTOTOK=\S{32}\n+$/);
  await demandAccessible(page, `a claim, ${scheme}`);
  await picture(page, `${size}-${scheme}-owner-claim-code`, { fullPage: true });
  assert.deepEqual(complaints, []);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { routedPath } from './base-url.ts';

test('absolute-form targets route like their path alone', () => {
  assert.equal(routedPath('https://hub:443/devices/?a=//b'), '/devices/?a=//b');
  assert.equal(routedPath('http://hub'), '/');
  assert.equal(routedPath('http://hub?x=1'), '/?x=1');
  assert.equal(
    routedPath('/trails//x///steps?progress.status={"$in":["//"]}'),
    '/trails/x/steps?progress.status={"$in":["//"]}',
  );
});

test('a path is always rooted and routing it again changes nothing', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
      const path = routedPath(url);
      assert.ok(path.startsWith('/'));
      assert.equal(routedPath(path), path);
    }),
  );
});

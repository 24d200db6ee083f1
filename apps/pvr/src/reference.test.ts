import assert from 'node:assert/strict';
import test from 'node:test';
import { cloneDirectory, readFragment, readReference, selects } from './reference.ts';

const read = (text: string) => readReference(text, '/nowhere', 'https://clone.example');

test('what stands for a repository', () => {
  assert.deepEqual(read('10.0.0.1').location, { kind: 'remote', url: 'http://10.0.0.1:12368/cgi-bin/pvr' });
  assert.deepEqual(read('::1').location, { kind: 'remote', url: 'http://[::1]:12368/cgi-bin/pvr' });
  assert.deepEqual(read('user/device#a').location, { kind: 'remote', url: 'https://clone.example/user/device' });
  assert.equal(read('user/device#a/b').text, 'https://clone.example/user/device#a/b');
  assert.deepEqual(read('https://h/x/').location, { kind: 'remote', url: 'https://h/x' });
  assert.deepEqual(read('unix:/run/s').location, { kind: 'socket', path: '/run/s' });
  assert.deepEqual(read('ssh://root@host:8222/run/s').location, {
    kind: 'ssh',
    host: 'root@host',
    port: '8222',
    socket: '/run/s',
  });
  assert.deepEqual(read('/tmp').location, { kind: 'path', path: '/tmp' });
  for (const wrong of ['device', 'a/b/c', '', 'ssh://-oProxyCommand=x', '../x/y'])
    assert.throws(() => read(wrong), /cannot/, wrong);
});

test('fragments select whole components', () => {
  const fragment = readFragment('app1,_config/app1/,-app2');
  assert.deepEqual(fragment, { parts: ['app1', '_config/app1'], unparts: ['app2'] });
  assert.equal(selects(fragment, 'app1/f'), true);
  assert.equal(selects(fragment, 'app1x/f'), false);
  assert.equal(selects(readFragment('-app2'), 'app1/f'), true);
  assert.equal(selects(readFragment('-app2'), 'app2/f'), false);
  assert.equal(selects(readFragment('-app2'), 'app2x/f'), true);
});

test('a clone gets the last name of what is cloned', () => {
  assert.equal(cloneDirectory('user/device#a'), 'device');
  assert.equal(cloneDirectory('1.2.3.4'), '1.2.3.4');
  assert.equal(cloneDirectory('http://h:1/cgi-bin/pvr/'), 'pvr');
  assert.equal(cloneDirectory('/x/state.pvrexport.tgz'), 'state.pvrexport');
});

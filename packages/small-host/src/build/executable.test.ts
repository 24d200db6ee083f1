import assert from 'node:assert/strict';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import { bytecodeEngine } from './bytecode-engine.ts';
import { engineHeader, readEngineMap } from './engine-map.ts';
import { buildExecutable } from './executable.ts';
import { assertExhaustible, cache, own, root, run } from './testing/programs.ts';
import { targets } from './toolchain.ts';

describe('the small host', { timeout: 400_000 }, () => {
  before(() => {
    buildExecutable({
      target: targets[own],
      root,
      cache,
      programs: [{ file: 'test.js', names: [], text: '' }],
      say: () => {},
    });
  });

  test('runs modern JavaScript, promises before the first turn, and ends with the code it is told', () => {
    const { status, lines } = run(`
      class Counter { #n = 0; static { print('static block'); } next() { return this.#n += 1; } }
      const counter = new Counter();
      Promise.resolve().then(() => print('job ' + counter.next()));
      print(String(2n ** 64n) + [3, 1, 2].toSorted());
      machine.turn = () => { print('turn ' + counter.next()); if (counter.next() > 4) machine.exit(7); };`);
    assert.deepEqual(lines, ['static block', '184467440737095516161,2,3', 'job 1', 'turn 2', 'turn 4']);
    assert.equal(status, 7);
  });

  test('what is compiled at build time needs no compiler at run time, and there is none', () => {
    const { lines } = run(`
      for (const work of [() => (0, eval)('1'), () => new Function('return 1')]) try { work(); print('compiled'); } catch (error) { print(String(error)); }
      print(String(/(?<year>[0-9]+)-x/u.exec('2026-x').groups.year) + new RegExp('b+').exec('abbc')[0]);
      machine.turn = () => machine.exit(0);`);
    assert.deepEqual(lines, [...Array(2).fill('TypeError: eval is not supported'), '2026bb']);
  });

  test('what is no JavaScript is refused at build time, with its place', () => {
    assert.throws(() => run('let let = 1;'), /cannot compile test\.js: .*SyntaxError.*test\.js:\d+/s);
  });

  test('what is too deep or too large is a JavaScript error, not a crash', () => assertExhaustible());

  test('a small stack of the shell or little address space changes nothing', () => {
    for (const limit of ['ulimit -S -s 1024', 'ulimit -v 100000', 'ulimit -S -s 2048; ulimit -H -s 2048']) {
      assertExhaustible({ shell: `${limit}; exec PROGRAM` });
    }
  });

  test('an error that nobody caught ends the program with its text and code 70', () => {
    const { status, stderr } =
      run(`Promise.resolve().then(() => { throw new TypeError('no such door'); }).catch((error) => { queue = error; throw error; }); let queue;
      machine.turn = () => { if (queue) throw queue; machine.exit(0); };`);
    assert.equal(status, 70);
    assert.match(stderr, /no such door/);
  });

  test('turns and their jobs leave nothing behind', () => {
    const { lines } = run(`
      const report = (script) => {
        const words = [3, 0, 0, 1, 2, 0, 0, 0]; let at = 2000;
        for (const text of ['/bin/sh', '-c', script]) { words.push(at); at += machine.put(text, at); bytes[at] = 0; at += 1; }
        words.forEach((word, index) => view.setInt32(1000 + 4 * index, word, true));
        machine.sys([61, 260, 114][machine.architecture()], 0, machine.spawn(1000), 0, 0, 0);
      };
      let turns = 0;
      machine.turn = () => {
        turns += 1;
        Promise.resolve(turns).then(() => {});
        if (turns === 10_000 || turns === 210_000) report('cat /proc/$PPID/statm');
        if (turns === 210_000) machine.exit(0);
      };`);
    // The second figure of statm is the number of resident pages (proc(5)).
    const [first = 0, last = 0] = lines.map((line) => Number(line.split(' ')[1]));
    assert.ok(first > 100 && last - first < 64, `${first} resident pages became ${last} in 200,000 turns`);
  });

  test('hashes as the standard says', () => {
    const { lines } = run(`
      const context = machine.hashNew();
      machine.put('abc', 0); machine.hashUpdate(context, 0, 3); machine.hashFinish(context, 64);
      print([...bytes.slice(64, 96)].map((byte) => byte.toString(16).padStart(2, '0')).join(''));
      print(String(machine.hashFinish(context, 64)));
      machine.turn = () => machine.exit(0);`);
    assert.deepEqual(lines, ['ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', '-22']);
  });

  test('starts programs and says why it cannot', () => {
    const { lines } = run(`
      const spawn = (argv, environment) => {
        let at = 2000; const words = [argv.length, environment.length, 0, 1, 2, 0, 0, 0];
        for (const text of [...argv, ...environment]) { words.push(at); at += machine.put(text, at); bytes[at] = 0; at += 1; }
        words.forEach((word, index) => view.setInt32(1000 + 4 * index, word, true));
        return machine.spawn(1000);
      };
      print('missing ' + spawn(['/no/such/program'], []));
      const pid = spawn(['/bin/sh', '-c', 'echo from $NAME; exit 3'], ['NAME=child']);
      machine.sys([61, 260, 114][machine.architecture()], 2, pid, 0, 0, 0);
      print('status ' + (view.getInt32(0, true) >> 8));
      machine.turn = () => machine.exit(0);`);
    assert.deepEqual(lines, ['missing -2', 'from child', 'status 3']);
  });
});

test('what no build needs any more is removed', { timeout: 400_000 }, () => {
  const folder = resolve(cache, own);
  const stale = ['gzip-0123456789abcdef.o', 'gzip-0123456789abcdef.o.1'];
  for (const name of stale) {
    writeFileSync(resolve(folder, name), '');
    utimesSync(resolve(folder, name), 0, 0);
  }
  // A program of its own, so that something is linked.
  const text = `machine.turn = () => machine.exit(${Date.now() % 256});`;
  const build = () =>
    buildExecutable({
      target: targets[own],
      root,
      cache,
      programs: [{ file: 'test.js', names: [], text }],
      say: (line) => said.push(line),
    });
  const said: string[] = [];
  const executable = build();
  for (const name of stale) assert.equal(existsSync(resolve(folder, name)), false, name);
  assert.equal(existsSync(executable), true);
  said.length = 0;
  build();
  assert.deepEqual(said, []);
});

test('an engine whose glue is not understood is refused with every reason', () => {
  assert.throws(
    () => readEngineMap('var ya={a:t,b:(x)=>y};'),
    /import callFunction: no function of the glue match.*\n.*export malloc: not in the glue/s,
  );
});

test('an engine whose code is not understood is refused, with the part that is not', () => {
  const dist = dirname(createRequire(import.meta.url).resolve('@jitl/quickjs-ng-wasmfile-release-sync'));
  const map = readEngineMap(readFileSync(resolve(dist, 'emscripten-module.mjs'), 'utf8'));
  const wasm = readFileSync(resolve(dist, 'emscripten-module.wasm'));
  const { compiler, runtime } = bytecodeEngine(wasm, map);
  // They run in other tests.
  for (const made of [compiler, runtime]) assert.notDeepEqual(made, wasm);
  const other = Buffer.from(wasm);
  // The flags of JS_WriteObject.
  other[other.indexOf(Buffer.from([0x41, 0x80, 0x80, 0x84, 0x08, 0x36, 0x02])) + 1] = 0x81;
  assert.throws(() => bytecodeEngine(other, map), /the flags of JS_WriteObject: not found/);
  assert.throws(() => bytecodeEngine(wasm, { ...map, exports: {} }), /QTS_bjson_encode: not found/);
  assert.throws(() => bytecodeEngine(wasm.subarray(0, 1000), map), /it ends too early/);
});

test('names of the engine are mangled as wasm2c does', () => {
  const header = engineHeader(
    {
      exports: { malloc: 'w', QTS_NewFloat64: 'Z', QTS_NewString: '$', QTS_GetFloat64: '_' },
      imports: { memory: 'a' },
    },
    'test',
  );
  assert.match(
    header,
    /engine_NewFloat64 Z_engineZ_Z5A\n.*engine_NewString Z_engineZ_Z24\n.*engine_GetFloat64 Z_engineZ__\n/s,
  );
});

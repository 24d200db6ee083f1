import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { testHttp } from '../testing/http.ts';
import { buildProgram } from './testing/build.ts';

const { executable } = buildProgram('testing/serve.ts');

testHttp('small', async (request) => {
  const child = spawn(executable, [JSON.stringify(request)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const said: unknown = JSON.parse(line);
  if (said !== 'ready') throw Object.assign(new Error(), said);
  return {
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
});

/** `pantabox` on Node: the device on screens. */
import { basename } from 'node:path';
import { createNodePantabox } from './host/node-pantabox.ts';
import { runPantabox } from './pantabox/program.ts';

const [program = 'pantabox', ...argv] = process.argv.slice(1);
process.exit(await runPantabox(process.env.PANTABOX_NAME ?? basename(program), argv, createNodePantabox()));

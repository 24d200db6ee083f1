/** pvr-endpoint as a process in front of a real control socket with real storage, whose runtime and commands a test directs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startControl } from '../../apps/device/src/control/server.ts';
import { createScriptedRooms, type ScriptedRooms } from '../../apps/device/src/control/testing/scripted-rooms.ts';
import { createFiles } from '../../apps/device/src/host/node/files.ts';
import { createHttp } from '../../apps/device/src/host/node/http.ts';
import { createText } from '../../apps/device/src/host/node/text.ts';
import type { HttpServer } from '../../apps/device/src/host/ports.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));

export class EndpointBench {
  readonly folder: string;
  readonly rooms: ScriptedRooms;
  readonly port: number;
  readonly #control: HttpServer;
  readonly #child: ChildProcess;

  private constructor(folder: string, rooms: ScriptedRooms, port: number, control: HttpServer, child: ChildProcess) {
    this.folder = folder;
    this.rooms = rooms;
    this.port = port;
    this.#control = control;
    this.#child = child;
  }

  /** Storage in `storage`, logs in `logs` with three lines of the device's own, and the page that devices have. */
  static async start(): Promise<EndpointBench> {
    const folder = mkdtempSync(join(tmpdir(), 'endpoint-'));
    const rooms = await createScriptedRooms({ files: createFiles(), text: createText() }, join(folder, 'storage'));
    symlinkSync('0', join(folder, 'storage/trails/current'));
    const socket = join(folder, 'pv-ctrl');
    const control = await startControl(createHttp(), socket, rooms);
    const port = await freePort();
    mkdirSync(join(folder, 'logs/0/pantavisor'), { recursive: true });
    writeFileSync(join(folder, 'logs/0/pantavisor/pantavisor.log'), 'one\ntwo\nthree\n');
    symlinkSync('0', join(folder, 'logs/current'));
    const config = join(folder, 'config.json');
    writeFileSync(config, JSON.stringify({ httpd: { port: String(port), hosts: ['device.example'] } }));
    const app = join(checkout, 'containers/pvr-sdk/rootfs/usr/share/pvr-sdk/app');
    const argv = ['--config', config, '--app', app, '--logs', join(folder, 'logs')];
    const child = spawn(join(checkout, 'apps/device-tools/bin/pvr-endpoint'), argv, {
      env: { ...process.env, PVTXDIR: join(folder, 'transaction'), PV_CTRL_SOCKET: socket },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    if (line !== `listening on 127.0.0.1:${port}`) throw new Error(`the endpoint says ${line}`);
    return new EndpointBench(folder, rooms, port, control, child);
  }

  async stop(): Promise<void> {
    this.#child.kill();
    await once(this.#child, 'exit');
    await this.#control.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

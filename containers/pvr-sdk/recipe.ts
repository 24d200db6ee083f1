import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pantaboxNames } from '../../apps/device-tools/src/tool-names.ts';
import type { ContainerRecipe } from '../src/recipe.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Where the container listens: at the device alone unless `listen` says otherwise (appengine.md, part C). */
export interface EndpointPlace {
  listen?: string;
  port?: number;
}

/**
 * The local endpoint of a device with its web page, pantabox and the tools beside it. One static executable, which is built when it is missing.
 * @param target machine that it is for, as `build-endpoint.ts` names them; default this one
 */
export function pvrSdkContainer(place: EndpointPlace = {}, target?: 'x64' | 'arm64' | 'arm'): ContainerRecipe {
  const httpd = {
    ...(place.listen === undefined ? {} : { listen: place.listen }),
    ...(place.port === undefined ? {} : { port: String(place.port) }),
  };
  return {
    name: 'pvr-sdk',
    rootfs: { trees: [programTree(target), here('rootfs')] },
    group: 'platform',
    role: 'mgmt',
    network: 'host',
    volumes: { '/var/pvr-sdk': 'permanent' },
    environment: { PVTXDIR: '/var/pvr-sdk/pvtx' },
    ...(Object.keys(httpd).length === 0 ? {} : { config: { '/etc/pvr-sdk/config.json': JSON.stringify({ httpd }) } }),
  };
}

/** A folder with the executable by all of its names. */
function programTree(target: string | undefined): string {
  const argv = [here('../../apps/device-tools/build-endpoint.ts'), ...(target === undefined ? [] : [target])];
  const executable = execFileSync(process.execPath, argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
  const home = here(`../../build/containers/pvr-sdk-${target ?? 'host'}`);
  const work = `${home}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(`${work}/usr/bin`, { recursive: true });
  copyFileSync(executable, `${work}/usr/bin/pvr-endpoint`);
  for (const tool of ['pvtx', 'pvcontrol', 'pvcurl', ...pantaboxNames])
    symlinkSync('pvr-endpoint', `${work}/usr/bin/${tool}`);
  rmSync(home, { recursive: true, force: true });
  renameSync(work, home);
  return home;
}

/** Board support parts that differ from the factory's in one thing. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { architectures } from '@pantavisor/images/images';
import { buildInitramfs } from '@pantavisor/images/initramfs';
import { debianCache, imageCache } from './harness.ts';
import type { ImageDevice } from './image-device.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));

/** An initramfs as the image has, with other configuration. */
export async function otherRuntime(device: ImageDevice, configuration: Record<string, string>): Promise<Uint8Array> {
  const { debian, executable } = architectures[device.account.architecture];
  const argv = [join(checkout, 'apps/device/build-small.ts'), executable];
  const { path } = await buildInitramfs({
    architecture: debian,
    packages: debianCache,
    folder: join(imageCache, 'products'),
    executable: execFileSync(process.execPath, argv, { encoding: 'utf8' }).trim(),
    configuration: { ...device.config, ...configuration },
    compression: 'fast',
  });
  return readFileSync(path);
}

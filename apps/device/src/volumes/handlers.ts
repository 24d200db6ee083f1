/** Volumes that more than a mount brings about: by a program of the installation, or dm-verity by the runtime itself (boot.md §6). */
import { mountVerity, unmountVerity } from '../disks/verity.ts';
import type { Host } from '../host/ports.ts';
import { Failure } from '../runtime/failure.ts';

/** Longest run of a volume handler (containers.md §2). */
const handlerTimeoutMs = 60_000;

/** Strategy for volumes that a program of the installation mounts, e.g. dm-verity. */
export interface VolumeHandlers {
  mount(request: { handler: string; source: string; container: string; file: string; target: string }): Promise<void>;
  unmount(request: { handler: string; source: string; container: string; file: string }): Promise<void>;
}

/**
 * Handlers as programs: `<L>/pv/volmount/verity/<handler> mount|umount <path> <container> <file> [arguments]`.
 * @param extra words of PV_VOLMOUNT_DM_EXTRA_ARGS
 */
export function programHandlers(
  { processes }: Pick<Host, 'processes'>,
  library: string,
  volumes: string,
  extra: () => readonly string[],
): VolumeHandlers {
  const call = async (verb: string, { handler, source, container, file }: Parameters<VolumeHandlers['unmount']>[0]) => {
    const program = `${library}/volmount/verity/${handler}`;
    const argv = [program, verb, source, container, file, ...extra()];
    const result = await processes.run(argv, { timeout: handlerTimeoutMs, environment: { PV_DISK_VOLDIR: volumes } });
    if (result.code === 0) return;
    const how = result.timedOut
      ? `no end after ${handlerTimeoutMs / 1000} s`
      : `exit code ${result.code ?? result.signal}`;
    const said = result.stderr.trim().split('\n').at(-1);
    throw new Failure(
      'volume-handler',
      `cannot ${verb} ${file} with handler ${handler}: ${how}${said ? ` (${said})` : ''}`,
      {
        file: source,
        hint: `see ${program}`,
      },
    );
  };
  return { mount: (request) => call('mount', request), unmount: (request) => call('umount', request) };
}

/** Handler of dm-verity. */
const verity = 'dm';

/** The programs of the installation, and dm-verity without one. */
export function volumeHandlers(
  host: Pick<Host, 'files' | 'mounts' | 'processes'>,
  library: string,
  volumes: string,
  extra: () => readonly string[],
): VolumeHandlers {
  const programs = programHandlers(host, library, volumes, extra);
  const isOurs = async (handler: string) =>
    handler === verity &&
    (await host.files.status(`${library}/volmount/verity/${handler}`, { follow: true })) === undefined;
  return {
    async mount(request) {
      if (!(await isOurs(request.handler))) return programs.mount(request);
      await mountVerity(host, request, request.target, extra());
    },
    async unmount(request) {
      if (!(await isOurs(request.handler))) return programs.unmount(request);
      await unmountVerity(host, request);
    },
  };
}

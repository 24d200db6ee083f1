/** The reference for starting containers: a shell that calls `lxc-start -d` once for each, over root file systems that are mounted before. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeRevision } from '../../tests/harness/revision.ts';
import { benchContainers } from './device.ts';

/** Runs in a mount namespace of its own; prints the milliseconds that the loop took. Everything goes with the namespace. */
const script = `
set -e
work=$1
trap 'for c in $(cat $work/names); do lxc-stop -k -n $c -P $work/lxc 2>/dev/null || :; umount -l $work/volumes/$c/root.squashfs; done; umount -l $work/upper' EXIT
mount -t tmpfs tmpfs $work/upper
for c in $(cat $work/names); do
  mkdir -p $work/upper/$c
  mount -t squashfs -o loop,ro $work/image $work/volumes/$c/root.squashfs
done
begin=$(date +%s%N)
for c in $(cat $work/names); do
  lxc-start -d -n $c -f $work/$c.conf -P $work/lxc
done
end=$(date +%s%N)
echo $(((end - begin) / 1000))
`;

/**
 * Starts `count` containers one after the other and stops them again.
 * @returns milliseconds from before the first call of lxc-start until the last one has returned
 */
export async function timeLxcLoop(count: number): Promise<number> {
  const work = mkdtempSync(join(tmpdir(), 'bench-lxc-'));
  try {
    const containers = benchContainers(count);
    const { objects, ids } = await writeRevision(join(work, 'revision'), containers);
    for (const directory of ['volumes', 'upper', 'lxc', 'mount']) mkdirSync(join(work, directory));
    for (const { name } of containers) {
      mkdirSync(join(work, 'volumes', name, 'root.squashfs'), { recursive: true });
      const config = readFileSync(join(objects, ids[`${name}/lxc.container.conf`] ?? ''), 'utf8')
        .replace(`/volumes/${name}/lxc-overlay/upper`, `${work}/upper/${name}/upper`)
        .replaceAll('/volumes/', `${work}/volumes/`);
      const own = [`lxc.uts.name = ${name}`, `lxc.rootfs.mount = ${work}/mount`];
      writeFileSync(join(work, `${name}.conf`), `${config}${own.join('\n')}\n`);
    }
    writeFileSync(join(work, 'names'), containers.map(({ name }) => name).join('\n'));
    execFileSync('cp', [join(objects, ids[`${containers[0]?.name}/root.squashfs`] ?? ''), join(work, 'image')]);
    const argv = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', work];
    const { status, stdout, stderr } = spawnSync('unshare', argv, { encoding: 'utf8', timeout: 120_000 });
    const microseconds = Number(stdout.trim());
    if (status !== 0 || !(microseconds > 0)) throw new Error(`cannot time the loop of lxc-start: ${stderr.trim()}`);
    return microseconds / 1000;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Files that manifests name but the state does not hold. The original finds out when it mounts or starts; so this only warns. */
import type { Bsp, Container, State } from '../model.ts';
import { quote, type Report, type Spot } from '../report.ts';

/** Warns of every named file that is neither an object nor inline JSON of the state. */
export function checkFiles(
  report: Report,
  state: State,
  spotOfContainer: (container: Container) => Spot,
  bspSpot: Spot,
): void {
  const paths = new Set([...state.objects, ...state.inline].map(({ path }) => path));
  let directories: Set<string> | undefined;
  const isDirectory = (path: string): boolean => {
    directories ??= directoriesOf(paths);
    return directories.has(path);
  };
  const check = (path: string, spot: Spot, user: string): void => {
    if (!paths.has(path))
      report.add(
        'file-missing',
        spot,
        `${user} names the file ${quote(path)}, which the state does not hold`,
        'add the object, or correct the name',
      );
  };
  for (const container of state.containers) {
    const { directory } = container;
    const spot = spotOfContainer(container);
    const user = `${directory}/run.json`;
    if (container.config) check(`${directory}/${container.config}`, spot, user);
    for (const volume of container.volumes) {
      if (volume.source !== 'image') continue;
      const path = `${directory}/${volume.file}`;
      // A data volume is a directory of the revision.
      if (volume.kind !== 'data' || !isDirectory(path)) check(path, spot, user);
    }
  }
  for (const name of state.bsp ? bspFiles(state.bsp) : []) check(`bsp/${name}`, bspSpot, 'bsp/run.json');
}

function directoriesOf(paths: Iterable<string>): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const directory = path.slice(0, slash);
      if (found.has(directory)) break;
      found.add(directory);
    }
  }
  return found;
}

/** Names of all files of the board support part, relative to `bsp/`, volume handlers removed. */
export function bspFiles(bsp: Bsp): string[] {
  const { image } = bsp;
  const boot =
    image.kind === 'fit'
      ? [image.fit]
      : image.kind === 'rpiab'
        ? [image.image]
        : [image.kernel, image.initrd, ...(image.fdt ? [image.fdt] : [])];
  const volumes = [bsp.firmware, bsp.modules, ...Object.values(bsp.modulesFor)].flatMap((name) =>
    name ? [name.slice(name.indexOf(':') + 1)] : [],
  );
  return [...boot, ...volumes, ...bsp.addons];
}

/** The command line of `npm run start:qemu`: what is its own, and what it hands on to `pv-image run`. */
import { architectureNames, type ImageRecipe } from '@pantavisor/images/images';

export interface QemuArguments {
  architecture: ImageRecipe['architecture'];
  /** Everything else, in its order. */
  rest: string[];
}

const isArchitecture = (name: string | undefined): name is ImageRecipe['architecture'] =>
  (architectureNames as readonly (string | undefined)[]).includes(name);

/**
 * Takes `--arch NAME` or `--arch=NAME` out of the arguments; without it, the architecture is x86_64.
 * @throws Error when there is no such machine
 */
export function readQemuArguments(argv: readonly string[]): QemuArguments {
  const rest = [...argv];
  const at = rest.findIndex((word) => word === '--arch' || word.startsWith('--arch='));
  if (at < 0) return { architecture: 'x86_64', rest };
  const isTwoWords = rest[at] === '--arch';
  const [first, second] = rest.splice(at, isTwoWords ? 2 : 1);
  const name = isTwoWords ? second : first?.slice('--arch='.length);
  if (isArchitecture(name)) return { architecture: name, rest };
  const all = architectureNames.join(', ');
  throw new Error(name ? `there is no machine ${name}; there are ${all}` : `--arch wants a name: ${all}`);
}

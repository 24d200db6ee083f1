/** Images of devices: recipes into disks, and machines that run them. */
export { type BuildPlaces, buildImage, type ImageAccount } from './build.ts';
export { architectureNames, architectures } from './recipe/architectures.ts';
export type { ImageRecipe } from './recipe/recipe.ts';
export { readRecipe } from './recipe/schema.ts';
export { diskOf, type Firmware, ImageMachine, type ImageRun } from './run/image-machine.ts';
export { readStorageFile, type StoragePlace } from './run/storage.ts';

import bspDrivers from '@pantavisor/state/schemas/bsp-drivers.json';
import bspRun from '@pantavisor/state/schemas/bsp-run.json';
import containerRun from '@pantavisor/state/schemas/container-run.json';
import deviceJson from '@pantavisor/state/schemas/device.json';
import disks from '@pantavisor/state/schemas/disks.json';
import groups from '@pantavisor/state/schemas/groups.json';
import services from '@pantavisor/state/schemas/services.json';

type Schema = Record<string, unknown>;
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const files: Record<string, Schema> = {
  'bsp-drivers.json': bspDrivers,
  'bsp-run.json': bspRun,
  'container-run.json': containerRun,
  'device.json': deviceJson,
  'disks.json': disks,
  'groups.json': groups,
  'services.json': services,
};

/** Name of the schema of a file of a state; undefined when it has none. */
export function schemaOf(key: string): string | undefined {
  if (key === 'bsp/run.json') return 'bsp-run.json';
  if (key === 'bsp/drivers.json') return 'bsp-drivers.json';
  if (key === 'device.json' || key === 'groups.json' || key === 'disks.json') return key;
  if (/^[^/]+\/run\.json$/.test(key)) return 'container-run.json';
  return /^[^/]+\/services\.json$/.test(key) ? 'services.json' : undefined;
}

interface Found {
  schema: Schema;
  file: string;
}

/** Follows `$ref` (JSON Schema 2020-12 §8.2.3.1), inside of a file and to another. */
function resolve({ schema, file }: Found, depth = 0): Found {
  const ref = schema.$ref;
  if (typeof ref !== 'string' || depth > 8) return { schema, file };
  const [name, pointer = ''] = ref.split('#');
  const target = name === '' ? file : (name ?? file);
  let value: unknown = files[target];
  for (const step of pointer.split('/').slice(1)) value = isSchema(value) ? value[step] : undefined;
  return isSchema(value)
    ? resolve({ schema: { ...value, ...without(schema) }, file: target }, depth + 1)
    : { schema: {}, file };
}

const without = ({ $ref: _, ...rest }: Schema): Schema => rest;

/** All schemas that a value may fit: itself and every alternative of it. */
function alternatives(found: Found, depth = 0): Found[] {
  const one = resolve(found);
  if (depth > 4) return [one];
  const more = ['oneOf', 'anyOf', 'allOf'].flatMap((word) =>
    Array.isArray(one.schema[word]) ? (one.schema[word] as unknown[]) : [],
  );
  return [one, ...more.filter(isSchema).flatMap((schema) => alternatives({ schema, file: one.file }, depth + 1))];
}

function below(found: Found[], step: string): Found[] {
  return found.flatMap(({ schema, file }) => {
    const properties = isSchema(schema.properties) ? schema.properties : {};
    const patterns = isSchema(schema.patternProperties) ? Object.values(schema.patternProperties) : [];
    const candidates = [
      properties[step],
      ...(Object.hasOwn(properties, step) ? [] : [...patterns, schema.additionalProperties]),
      schema.items,
    ];
    return candidates.filter(isSchema).flatMap((child) => alternatives({ schema: child, file }));
  });
}

/** What one may write somewhere. */
export interface Suggestion {
  text: string;
  about: string;
}

function at(name: string, path: readonly string[]): Found[] {
  const root = files[name];
  return root === undefined ? [] : path.reduce(below, alternatives({ schema: root, file: name }));
}

const about = (schema: unknown): string =>
  isSchema(schema) && typeof schema.description === 'string' ? schema.description : '';

/** Names of members that may stand in the object at a path; those that are out of use are left out. */
export function suggestNames(name: string, path: readonly string[]): Suggestion[] {
  const found = new Map<string, string>();
  for (const { schema, file } of at(name, path))
    for (const [text, child] of Object.entries(isSchema(schema.properties) ? schema.properties : {})) {
      if (!isSchema(child) || child.deprecated === true) continue;
      found.set(text, found.get(text) || about(resolve({ schema: child, file }).schema));
    }
  return [...found].map(([text, description]) => ({ text, about: description }));
}

/** Values that may stand at a path, as JSON. */
export function suggestValues(name: string, path: readonly string[]): Suggestion[] {
  const values = at(name, path).flatMap(({ schema }) => [
    ...(Array.isArray(schema.enum) ? schema.enum : []),
    ...(schema.const === undefined ? [] : [schema.const]),
    ...(schema.type === 'boolean' ? [true, false] : []),
  ]);
  return [...new Set(values.map((value) => JSON.stringify(value)))].map((text) => ({ text, about: '' }));
}

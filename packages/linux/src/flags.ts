/** Turns lists of readable flag names into the bits that the kernel takes. */

/**
 * @param table bit of each name
 * @param names what the caller wants
 * @param what the argument's name, for the error
 * @returns the bits of all names together
 * @throws TypeError when a name is not in the table; it lists those that are
 */
export function bitsOf<Name extends string>(
  table: Readonly<Record<Name, number>>,
  names: readonly Name[],
  what: string,
): number {
  const given: unknown = names;
  if (!Array.isArray(given)) throw new TypeError(`cannot use argument '${what}': it must be an array of names`);
  let bits = 0;
  for (const name of names) {
    if (!Object.hasOwn(table, name))
      throw new TypeError(
        `cannot use argument '${what}': '${String(name)}' is none of ${Object.keys(table).join(', ')}`,
      );
    bits |= table[name];
  }
  return bits;
}

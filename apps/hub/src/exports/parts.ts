/**
 * Keeps the wanted parts of a state: `a,b` only these and `#spec`, `-c` everything but c. A part is a key or everything
 * below `part/`.
 */
export function filterParts(state: Record<string, unknown>, parts: string): Record<string, unknown> {
  const names = parts
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const wanted = names.filter((name) => !name.startsWith('-'));
  const unwanted = names.filter((name) => name.startsWith('-')).map((name) => name.slice(1));
  const within = (key: string, part: string) => key === part || key.startsWith(`${part}/`);
  return Object.fromEntries(
    Object.entries(state).filter(
      ([key]) =>
        key === '#spec' ||
        ((wanted.length === 0 || wanted.some((part) => within(key, part))) &&
          !unwanted.some((part) => within(key, part))),
    ),
  );
}

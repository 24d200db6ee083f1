/** Work on many things, some at a time. */

/**
 * Does `work` for each item, at most `limit` at a time, in their order.
 * @returns the failures, in the order in which they happened; an item that fails does not keep the others
 */
export async function inParallel<Item>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting)
      await work(item).catch((error) => {
        failures.push(error);
      });
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, worker));
  return failures;
}

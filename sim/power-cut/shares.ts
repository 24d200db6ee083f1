/** How many states each flow gets. */

/** Flows with so few different survivors that a larger share would not be used. */
const few: Readonly<Record<string, number>> = {
  'object-upload': 300,
  'boot-uboot': 50,
  'boot-grub': 50,
  'boot-uboot-ab': 250,
  'boot-uboot-ab-nor': 250,
  'boot-rpiab': 200,
  'storage-upload': 250,
};

/**
 * Divides states among flows: equal shares, except for those that have too few states.
 * @param total of all flows; each gets at least one
 */
export function divideStates(flows: readonly string[], total: number): { flow: string; states: number }[] {
  const small = flows.filter((flow) => (few[flow] ?? Number.POSITIVE_INFINITY) < total / flows.length);
  const forSmall = small.reduce((sum, flow) => sum + (few[flow] ?? 0), 0);
  const share = Math.max(1, Math.ceil((total - forSmall) / Math.max(1, flows.length - small.length)));
  return flows.map((flow) => ({ flow, states: small.includes(flow) ? (few[flow] ?? share) : share }));
}

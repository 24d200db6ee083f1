/** Finds id and challenge in whatever a device prints: a claim command, an address, or the two words themselves. */
export function readChallenge(text: string): { id: string; challenge: string } {
  const id = /(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])/.exec(text)?.[0] ?? '';
  const named = /(?:-c|--challenge|challenge["']?\s*[:=])\s*["']?([a-z]+(?:-[a-z]+)+)/i.exec(text)?.[1];
  const rest = text.replace(/https?:\S+/g, ' ');
  const words = named ?? /\b[a-z]{2,}-[a-z]{2,}-[a-z]{2,}\b/.exec(rest)?.[0] ?? '';
  return { id, challenge: words };
}

/** Address that has both in it: for a label on the device, or for another screen. */
export const claimAddress = (origin: string, id: string, challenge: string): string =>
  `${origin}/claim?${new URLSearchParams({ id, challenge })}`;

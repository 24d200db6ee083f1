/** Addresses of the internet as text. */

/** An IPv6 address of 32 hex digits in its shortest form (RFC 5952). */
export function formatIpv6(hex: string): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number.parseInt(hex.slice(index * 4, index * 4 + 4), 16).toString(16),
  );
  const runs = groups.join(':').match(/(?<![0-9a-f])0(:0)+(?![0-9a-f])/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups.join(':');
  const all = groups.join(':');
  const at = all.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  return `${all.slice(0, at).replace(/:$/, '')}::${all.slice(at + longest.length).replace(/^:/, '')}`;
}

/** The file of password hashes (shadow(5)). */

/** Days since 1970 are left out: the password has no age. */
const rest = ':::::::';

/** The file with another hash for a user, who is added when missing. */
export function withPassword(file: string, user: string, hash: string): string {
  const lines = file.split('\n').filter((line) => line !== '');
  const at = lines.findIndex((line) => line.startsWith(`${user}:`));
  if (at < 0) lines.push(`${user}:${hash}${rest}`);
  else lines[at] = [user, hash, ...lines[at]!.split(':').slice(2)].join(':');
  return `${lines.join('\n')}\n`;
}

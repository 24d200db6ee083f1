/** Lines of an `authorized_keys` (sshd(8)), which devices keep as one value of user metadata. */

export const sshKeysEntry = 'pvr-sdk.authorized_keys';
/** Bytes of one value of user metadata. */
export const valueLimit = 4096;

export interface SshKey {
  /** The line as it is. */
  line: string;
  type: string;
  comment: string;
  /** The last characters of the key, by which people know it. */
  short: string;
}

const types =
  /(?:^|\s)((?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9-]+)(?:@openssh\.com)?) ([A-Za-z0-9+/]+={0,2})(?:\s+(.*))?$/;

/** @returns undefined when the line is no public key */
export function sshKeyOf(line: string): SshKey | undefined {
  const text = line.trim();
  const [, type, data = '', comment = ''] = types.exec(text) ?? [];
  // The data says its type once more, behind its length: "AAAAB3…", "AAAAC3…".
  if (type === undefined || !data.startsWith('AAAA') || data.length < 60) return undefined;
  return {
    line: text,
    type,
    comment: comment.trim(),
    short: `...${data.replace(/=+$/, '').slice(-12)}`,
  };
}

/** Keys of a value; comments and empty lines are left out, and so are lines that are no keys. */
export function sshKeysOf(value: string): SshKey[] {
  return value.split('\n').flatMap((line) => sshKeyOf(line) ?? []);
}

/** Why lines cannot be keys; undefined when each is one, empty or a comment. */
export function wrongLine(value: string): string | undefined {
  for (const [index, line] of value.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#') || sshKeyOf(line)) continue;
    const isPrivate = /PRIVATE KEY/.test(line);
    return isPrivate
      ? `line ${index + 1} is a private key; only the file that ends with .pub goes to a device`
      : `line ${index + 1} is no public SSH key ("${line.slice(0, 24)}..."); one looks like "ssh-ed25519 AAAA... name"`;
  }
  return undefined;
}

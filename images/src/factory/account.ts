/** The account of an image: what is in it, where it comes from and why, gathered while it is built. */

export interface AccountEntry {
  /** Where it is: `disk`, `boot`, `storage`, `initramfs`, `state`. */
  place: string;
  name: string;
  /** In bytes; absent for what is no file. */
  size?: number;
  /** SHA-256 where the content can be named by it. */
  sha256?: string;
  /** Where it comes from, e.g. a Debian package with its version. */
  origin: string;
  why: string;
}

export class Account {
  readonly entries: AccountEntry[] = [];
  add(entry: AccountEntry): void {
    this.entries.push(entry);
  }
}

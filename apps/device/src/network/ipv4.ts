/** IPv4 addresses and subnets as numbers: reading, writing, and what lies in what. */

/** A subnet with its prefix length; `base` is its lowest address. */
export interface Subnet {
  base: number;
  prefixLength: number;
}

/** Reads `a.b.c.d` in plain decimal; anything else is undefined. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const byte = Number(part);
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

/** Writes an address as `a.b.c.d`. */
export function formatAddress(address: number): string {
  return addressBytes(address).join('.');
}

/** The four bytes of an address, first part first. */
export function addressBytes(address: number): [number, number, number, number] {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256) as [number, number, number, number];
}

/** Reads `a.b.c.d/n`. Bits below the prefix are dropped: `10.0.5.7/24` is the subnet `10.0.5.0/24`. */
export function parseSubnet(text: string): Subnet | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (address === undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32) return undefined;
  const prefixLength = Number(length);
  return { base: address - (address % sizeOf(prefixLength)), prefixLength };
}

/** How many addresses a prefix length covers. */
export function sizeOf(prefixLength: number): number {
  return 2 ** (32 - prefixLength);
}

/** Highest address of a subnet. */
export function broadcastOf(subnet: Subnet): number {
  return subnet.base + sizeOf(subnet.prefixLength) - 1;
}

export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address <= broadcastOf(subnet);
}

/** Length of a netmask such as `255.255.255.0`; undefined when its ones are not in front. */
export function prefixLengthOfMask(mask: string): number | undefined {
  const value = parseAddress(mask);
  if (value === undefined) return undefined;
  const inverse = 2 ** 32 - 1 - value;
  const length = 32 - Math.log2(inverse + 1);
  return Number.isInteger(length) ? length : undefined;
}

/** The hardware address that follows from an IPv4 address: `02:00:` and its four bytes (network.md §3.2). */
export function hardwareAddressOf(address: number): string {
  const hex = addressBytes(address).map((byte) => byte.toString(16).padStart(2, '0'));
  return ['02', '00', ...hex].join(':');
}

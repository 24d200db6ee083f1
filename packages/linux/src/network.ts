/** Network bridges and addresses of this process's network namespace - netdevice(7). */
import { addon } from './addon.ts';

/** Makes a bridge. EEXIST when an interface of this name is there. Names have 1 to 15 bytes. */
export function addBridge(name: string): void {
  addon.addBridge(name);
}

/** Removes a bridge that is down. ENXIO when it is not there, EBUSY when it is up, EPERM when it is no bridge. */
export function deleteBridge(name: string): void {
  addon.deleteBridge(name);
}

/** Switches an interface on or off; ENODEV when it is not there. */
export function setInterfaceUp(name: string, up: boolean): void {
  addon.setInterfaceUp(name, up);
}

/** Gives an interface its (first) IPv4 address, in dots, and the length of its network prefix in bits. */
export function setInterfaceAddress(name: string, address: string, prefixLength: number): void {
  addon.setInterfaceAddress(name, address, prefixLength);
}

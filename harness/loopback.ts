/** Makes the loopback interface of a new network namespace usable, by rtnetlink(7). */
import { askNetlink, headerSize, netlinkRequest, route } from "./netlink.ts";

/** The interface `lo` is the first of every network namespace. */
const loopback = 1;
const acknowledge = 4;

/**
 * Brings the loopback interface of this thread's network namespace up, and gives it the IPv6
 * `addresses` (16 bytes each) besides its own.
 *
 * @throws {CallError} where the kernel refuses.
 */
export function bringUpLoopback(addresses: readonly Uint8Array[]): void {
  askNetlink(route, upRequest());
  for (const address of addresses) askNetlink(route, addressRequest(address));
}

/** struct ifinfomsg: only the flag IFF_UP is changed. */
function upRequest(): Uint8Array<ArrayBuffer> {
  const [newLink, up] = [16, 1];
  const message = netlinkRequest(newLink, acknowledge, 16);
  const view = new DataView(message.buffer, headerSize);
  view.setUint32(4, loopback, true);
  view.setUint32(8, up, true);
  view.setUint32(12, up, true);
  return message;
}

/**
 * struct ifaddrmsg, and a struct rtattr with one IPv6 address that can be bound at once: what the
 * ioctl of netdevice(7) adds is tentative until a worker of the kernel comes by.
 */
function addressRequest(address: Uint8Array): Uint8Array<ArrayBuffer> {
  const [newAddress, create] = [20, 0x400];
  const [inet6, prefixLength, noDuplicateDetection, local] = [10, 128, 2, 2];
  const attributeSize = 4 + address.length;
  const message = netlinkRequest(newAddress, acknowledge | create, 8 + attributeSize);
  const view = new DataView(message.buffer, headerSize);
  message.set([inet6, prefixLength, noDuplicateDetection], headerSize);
  view.setUint32(4, loopback, true);
  view.setUint16(8, attributeSize, true);
  view.setUint16(10, local, true);
  message.set(address, headerSize + 12);
  return message;
}

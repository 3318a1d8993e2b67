import assert from "node:assert/strict";
import { CallError } from "../generator/raw_socket.ts";
import { askNetlink, messagesIn, netlinkDump, netlinkRequest, route, sockDiag } from "./netlink.ts";

const dump = 0x300;
const isCallError = (errno: string) => (error: unknown) =>
  error instanceof CallError && error.errno === errno;

Deno.test("netlinkDump() gives every message, and ends where the kernel does", () => {
  const [newLink, getLink] = [16, 18];
  const types = Array.from(
    netlinkDump(route, netlinkRequest(getLink, dump, 16)),
    (message) => message.getUint16(4, true),
  );
  assert.deepEqual(new Set(types), new Set([newLink]));
});

Deno.test("messagesIn() reads each message of a datagram, whatever the alignment", () => {
  const bytes = [17, 18].flatMap((type) => [...netlinkRequest(type, 0, 4)]);
  // The first is three bytes shorter than the room that it has.
  bytes[0] -= 3;
  // A view into a larger buffer is read where it begins.
  const datagram = new Uint8Array([0, 0, 0, 0, ...bytes]).subarray(4);
  const seen = Array.from(messagesIn(datagram), (message) => [
    message.getUint16(4, true),
    message.byteLength,
  ]);
  assert.deepEqual(seen, [[17, 17], [18, 20]]);
});

Deno.test("netlink says why the kernel refuses, a request as well as a dump", () => {
  const noSuchType = 0x3fff;
  const request = netlinkRequest(noSuchType, 0, 4);
  assert.throws(() => askNetlink(route, request), isCallError("EOPNOTSUPP"));
  // struct sock_diag_req: family 0.
  const ofNoFamily = netlinkRequest(20, dump, 4);
  assert.throws(() => Array.from(netlinkDump(sockDiag, ofNoFamily)), isCallError("ENOENT"));
  const noSuchProtocol = 31;
  assert.throws(() => askNetlink(noSuchProtocol, request), isCallError("EPROTONOSUPPORT"));
});

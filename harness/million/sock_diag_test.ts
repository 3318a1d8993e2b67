import assert from "node:assert/strict";
import { SystemError } from "../libc.ts";
import { connectedSockets, type End, parsePart } from "./sock_diag.ts";

/** One struct nlmsghdr, and behind it a struct inet_diag_msg with an attribute, as the kernel sends. */
function message(local: End, remote: End): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16 + 72 + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length - 3, true);
  view.setUint16(4, 20, true);
  bytes.set([2, 1], 16);
  view.setUint16(20, local.port);
  view.setUint16(22, remote.port);
  view.setUint32(24, local.address);
  view.setUint32(40, remote.address);
  return bytes;
}

Deno.test("parsePart() reads each message of a datagram, whatever the alignment", () => {
  const one = { local: { address: 0x7f000002, port: 40000 }, remote: { address: 1, port: 80 } };
  const two = { local: { address: 0xc0000207, port: 65535 }, remote: { address: 2, port: 1 } };
  const bytes = [one, two].flatMap(({ local, remote }) => [...message(local, remote)]);
  assert.deepEqual([...parsePart(new Uint8Array(bytes))], [one, two]);
  // A view into a larger buffer is read where it begins.
  const shifted = new Uint8Array([0, 0, 0, 0, ...bytes]).subarray(4);
  assert.deepEqual([...parsePart(shifted)], [one, two]);
});

Deno.test("parsePart() says why the kernel cannot", () => {
  const answer = new Uint8Array(36);
  const view = new DataView(answer.buffer);
  view.setUint32(0, answer.length, true);
  view.setUint16(4, 2, true);
  view.setInt32(16, -2, true);
  const isReason = (error: unknown) => error instanceof SystemError && error.errno === 2;
  assert.throws(() => [...parsePart(answer)], isReason);
});

Deno.test("connectedSockets() finds both ends of a connection, and no listener", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  assert.deepEqual([...connectedSockets("local", port)], []);
  using connected = await Deno.connect({ hostname: "127.0.0.1", port });
  using _accepted = await listener.accept();
  const address = 0x7f000001;
  const [here, there] = [{ address, port: connected.localAddr.port }, { address, port }];
  assert.deepEqual([...connectedSockets("remote", port)], [{ local: here, remote: there }]);
  assert.deepEqual([...connectedSockets("local", port)], [{ local: there, remote: here }]);
});

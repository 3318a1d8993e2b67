import assert from "node:assert/strict";
import { parseTable, plainAddress } from "./socket_table.ts";

const heading =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

Deno.test("parseTable() reads IPv4, with and without a peer", () => {
  const text = heading +
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0\n" +
    "   1: 0100007F:EA60 0200007F:01BB 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0 20\n";
  assert.deepEqual(parseTable(text, "tcp", () => true), [
    {
      transport: "tcp",
      source: { address: "127.0.0.1", port: 8080 },
      destination: null,
      isListening: true,
      inode: 77,
    },
    {
      transport: "tcp",
      source: { address: "127.0.0.1", port: 60000 },
      destination: { address: "127.0.0.2", port: 443 },
      isListening: false,
      inode: 78,
    },
  ]);
  assert.deepEqual(parseTable(heading, "udp", () => true), []);
});

Deno.test("parseTable() leaves out what is not wanted", () => {
  const line = "   0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 0 0 77 1\n";
  assert.deepEqual(parseTable(heading + line, "tcp", (inode) => inode !== 77), []);
});

Deno.test("parseTable() reads IPv6 and mapped addresses", () => {
  const text = heading +
    "   0: B80D0120000000000000000007000000:EA60 0000000000000000FFFF0000070200C0:0035 01 0:0 00:0 0 0 0 9 2\n";
  const [{ source, destination }] = parseTable(text, "udp", () => true);
  assert.deepEqual(source, { address: "2001:db8::7", port: 60000 });
  assert.deepEqual(destination, { address: "192.0.2.7", port: 53 });
});

Deno.test("plainAddress() has one spelling for each address", () => {
  assert.equal(plainAddress("::ffff:10.0.0.1"), "10.0.0.1");
  assert.equal(plainAddress("2001:0db8:0:0:0:0:0:1"), "2001:db8::1");
});

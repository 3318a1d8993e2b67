import assert from "node:assert/strict";
import { connectedSockets } from "./sock_diag.ts";

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

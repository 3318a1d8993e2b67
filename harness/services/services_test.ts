import assert from "node:assert/strict";
import { connect } from "node:net";
import { Service as Specification } from "../case.ts";
import { type Observation, Observations } from "../observe.ts";
import { placeOf } from "../places.ts";
import { findInstalled } from "../servers/programs.ts";
import type { Service } from "./service.ts";
import { startService } from "./start.ts";

/** Runs `use` with a service as a case would describe it, and gives what it observed. */
async function withService(
  specification: unknown,
  use: (service: Service, observations: Observation[]) => Promise<void>,
  isGuests: (port: number) => boolean = () => false,
): Promise<Observation[]> {
  const parsed = Specification.parse(specification);
  const observations = new Observations();
  const scratch = await Deno.makeTempDir({ prefix: "portpin-services-" });
  const service = await startService(parsed, {
    family: parsed.family ?? "ipv4",
    place: placeOf("loopback", parsed.family ?? "ipv4", parsed.host),
    record: observations.recorder("a"),
    scratch,
    isGuests,
  });
  try {
    await use(service, observations.all);
  } finally {
    await service.close();
    await Deno.remove(scratch, { recursive: true });
  }
  return observations.all;
}

function connectTo({ words }: Service): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: words.address, port: Number(words.port) });
}

function portOf(address: Deno.Addr): number {
  return (address as Deno.NetAddr).port;
}

async function readAll(connection: Deno.Conn): Promise<string> {
  return await new Response(connection.readable).text();
}

Deno.test("tcp records who connected and echoes until the client closes", async () => {
  let port = 0;
  const [observation, ...more] = await withService({ kind: "tcp" }, async (service, seen) => {
    const client = await connectTo(service);
    port = portOf(client.localAddr);
    await client.write(new TextEncoder().encode("hello"));
    await client.closeWrite();
    assert.equal(await readAll(client), "hello");
    await service.drain();
    assert.equal(seen[0].destination.port, Number(service.words.port));
  });
  assert.deepEqual(more, []);
  assert.deepEqual(observation.source, { address: "127.0.0.1", port });
  assert.ok(observation.until! >= observation.at);
});

Deno.test("tcp drains everything that connected, and not itself", async () => {
  const seen = await withService({ kind: "tcp" }, async (service, seen) => {
    const clients = await Promise.all(Array.from({ length: 300 }, () => connectTo(service)));
    await service.drain();
    assert.equal(seen.length, 300);
    assert.ok(seen.every(({ until }) => until === undefined), "all are held open");
    for (const client of clients) client.close();
    await service.drain();
  });
  assert.equal(seen.length, 300);
});

Deno.test("tcp knows no end of a connection that was reset", async () => {
  const [observation] = await withService({ kind: "tcp" }, async (service, seen) => {
    const client = connect(Number(service.words.port), service.words.address);
    await new Promise((resolve) => client.once("connect", resolve));
    await service.drain();
    assert.equal(seen.length, 1);
    client.resetAndDestroy();
    while (seen[0].until === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  });
  assert.equal(observation.until, observation.at);
});

Deno.test("tcp goes on after a connection that was reset before it was accepted", {
  ignore: findInstalled("python3") === undefined,
}, async () => {
  const seen = await withService({ kind: "tcp" }, async (service) => {
    // Within one turn of the event loop: the service cannot accept in between.
    const python = "import socket,struct,sys\n" +
      "c = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n" +
      "c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n";
    new Deno.Command("python3", { args: ["-c", python, service.words.address, service.words.port] })
      .outputSync();
    (await connectTo(service)).close();
    await service.drain();
  });
  assert.equal(seen.length, 1);
});

Deno.test("tcp with reply peer tells the client its own address and port", async () => {
  await withService({ kind: "tcp", family: "ipv6", reply: "peer" }, async (service) => {
    const client = await connectTo(service);
    const port = portOf(client.localAddr);
    assert.equal(await readAll(client), `::1 ${port}\n`);
  });
});

Deno.test("udp records each datagram, answers it, and drains", async () => {
  const client = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const seen = await withService({ kind: "udp" }, async (service) => {
    const to = { transport: "udp", hostname: "127.0.0.1", port: Number(service.words.port) };
    for (const text of ["one", "two"]) {
      await client.send(new TextEncoder().encode(text), to as Deno.NetAddr);
      const [answer] = await client.receive();
      assert.equal(new TextDecoder().decode(answer), text);
    }
    await service.drain();
  });
  assert.deepEqual(seen.map(({ source }) => source.port), Array(2).fill(portOf(client.addr)));
  client.close();
});

Deno.test("http is one observation a connection, however many requests", async () => {
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 1 });
  const seen = await withService({ kind: "http" }, async (service) => {
    for (let request = 0; request < 3; request++) {
      const response = await fetch(`http://${service.words[""]}/`, { client });
      assert.equal(await response.text(), "hello\n");
    }
    client.close();
    await service.drain();
  });
  assert.equal(seen.length, 1);
});

Deno.test("dns answers over both transports and says which it was", async () => {
  const seen = await withService({ kind: "dns" }, async (service) => {
    const server = { ipAddr: service.words.address, port: Number(service.words.port) };
    const answer = await Deno.resolveDns("portpin.example", "A", { nameServer: server });
    assert.deepEqual(answer, ["192.0.2.1"]);
    const client = await connectTo(service);
    // One question, for portpin.example. AAAA, behind its length.
    const question = "\x07portpin\x07example\x00\x00\x1c\x00\x01";
    const query = `\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00${question}`;
    const framed = Uint8Array.from(`\x00${String.fromCharCode(query.length)}${query}`, byteOf);
    await client.write(framed);
    await client.closeWrite();
    const reply = new Uint8Array(await new Response(client.readable).arrayBuffer());
    assert.deepEqual(reply.slice(2, 4), Uint8Array.of(0x12, 0x34));
    assert.deepEqual(reply.slice(-16, -12), Uint8Array.of(0x20, 0x01, 0x0d, 0xb8));
    await service.drain();
  });
  assert.deepEqual(seen.map(({ transport }) => transport), ["udp", "tcp"]);
});

Deno.test("dial reaches the port that was announced, from outside the guest's ports", async () => {
  const guest = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = guest.addr;
  const isGuests = (port: number) => port < 12_000;
  const accepted = guest.accept();
  const dial = { kind: "dial", transport: "tcp" };
  const [observation] = await withService(dial, async (service) => {
    service.hear!("something else");
    service.hear!(`listening ${port} on every address`);
    const connection = await accepted;
    assert.ok(!isGuests(portOf(connection.remoteAddr)));
    assert.equal(await readAll(connection), "hello\n");
    await service.drain();
  }, isGuests);
  guest.close();
  assert.deepEqual(observation.source, { address: "127.0.0.1", port });
});

Deno.test("dial observes nothing where nobody listens", async () => {
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  closed.close();
  const seen = await withService({ kind: "dial", transport: "tcp" }, async (service) => {
    service.hear!(`listening ${closed.addr.port}`);
    await service.drain();
  });
  assert.deepEqual(seen, []);
});

Deno.test("services speak of themselves as a guest of their family must write it", async () => {
  const written = async (family: string) => {
    let words: Service["words"] = {};
    await withService({ kind: "tcp", family }, (service) => {
      words = service.words;
      return Promise.resolve();
    });
    return [words[""], words.address, words.host].map((text) => text.replace(words.port, "PORT"));
  };
  assert.deepEqual(await written("ipv4"), ["127.0.0.1:PORT", "127.0.0.1", "127.0.0.1"]);
  assert.deepEqual(await written("ipv6"), ["[::1]:PORT", "::1", "[::1]"]);
  const mapped = ["[::ffff:127.0.0.1]:PORT", "::ffff:127.0.0.1", "[::ffff:127.0.0.1]"];
  assert.deepEqual(await written("mapped"), mapped);
});

function byteOf(character: unknown): number {
  return (character as string).charCodeAt(0);
}

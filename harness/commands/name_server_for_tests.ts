// `checkProgram()` beside a name server on 127.0.0.1, which knows no name, and says so as soon as the
// kernel has been seen to have the socket that asks. The program and its arguments are ours; prints the
// report as JSON.

import { checkProgram } from "../check/check_program.ts";
import { renderJson } from "../check/program_report.ts";

const domain = 53;
const server = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: domain });
const seen = Promise.withResolvers<void>();

async function answer(): Promise<void> {
  for await (const [message, client] of server) {
    await seen.promise;
    // RFC 1035, 4.1.1: QR, and RCODE 3.
    message[2] |= 0x80;
    message[3] |= 3;
    await server.send(message, client);
  }
}

const answering = answer();
const report = await checkProgram(Deno.args, { ports: "61000-61511" }, ({ destination }) => {
  if (destination?.port === domain) seen.resolve();
});
server.close();
await answering;
console.log(renderJson(report));

/**
 * A TLS server with a certificate for `portpin.invalid`, signed by itself; it says the same to
 * everybody. Debian package: openssl.
 */

import { join } from "node:path";
import { freePort } from "./free_port.ts";
import { launchServer, prepare, type Server, type ServerPlace } from "./process.ts";

export const programs = ["openssl"];

export async function start(place: ServerPlace): Promise<Server> {
  const { directory, address } = place;
  const key = join(directory, "key.pem");
  const certificate = join(directory, "certificate.pem");
  await prepare([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ...["-noenc", "-subj", "/CN=portpin.invalid", "-keyout", key, "-out", certificate],
  ]);
  const port = freePort(address);
  const accept = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  return launchServer({
    ...place,
    name: "tls",
    port,
    argv: [
      ...["openssl", "s_server", "-accept", accept, "-key", key, "-cert", certificate],
      ...["-www", "-quiet"],
    ],
  });
}

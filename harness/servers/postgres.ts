/**
 * A PostgreSQL server with a fresh cluster, superuser `postgres`, no password. It refuses to run as
 * root, so root runs it as an ordinary user of a user namespace. Debian package: postgresql.
 */

import { join } from "node:path";
import { freePort } from "./free_port.ts";
import { asOrdinaryUser, launchServer, prepare, type Server, type ServerPlace } from "./process.ts";
import { installed } from "./programs.ts";

export const programs = ["initdb", "postgres"];
export const ordinaryUser = true;

export async function start(place: ServerPlace): Promise<Server> {
  const { directory, address } = place;
  const data = join(directory, "data");
  const user = (argv: string[]) => asOrdinaryUser(directory, "postgres", argv);
  await prepare(user([
    installed("initdb"),
    ...["--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync"],
    ...["--encoding", "UTF8", "--no-locale"],
  ]));
  const port = freePort(address);
  const settings = { listen_addresses: address, port, unix_socket_directories: "", fsync: "off" };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return launchServer({
    ...place,
    name: "postgres",
    port,
    argv: user([installed("postgres"), "-D", data, ...options]),
    answers: () => saysReady(data),
    endWith: "SIGINT", // Ends its sessions; SIGTERM waits for them.
  });
}

/** The last line of the server's lock file is its state (src/include/utils/pidfile.h). */
async function saysReady(data: string): Promise<boolean> {
  try {
    const lines = (await Deno.readTextFile(join(data, "postmaster.pid"))).split("\n");
    return lines[7]?.trim() === "ready";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A Redis server that keeps nothing on disk. Debian package: redis-server. */

import { freePort } from "./free_port.ts";
import { launchServer, type Server, type ServerPlace } from "./process.ts";

export const programs = ["redis-server"];

export function start(place: ServerPlace): Promise<Server> {
  const port = freePort(place.address);
  const options = {
    port,
    bind: place.address,
    dir: place.directory,
    save: "",
    appendonly: "no",
    "protected-mode": "no",
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  return launchServer({ ...place, name: "redis", port, argv: ["redis-server", ...args] });
}

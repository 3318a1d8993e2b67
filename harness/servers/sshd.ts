/**
 * An OpenSSH server with a key and a configuration of its own; it lets in the user `{SERVICE.user}`
 * with the key in the file `{SERVICE.key}`. A server that is not root can only serve its own user
 * and needs neither /run/sshd nor setgroups(2), which user namespaces forbid; so root runs it as an
 * ordinary user too. Debian package: openssh-server.
 */

import { join } from "node:path";
import { userInfo } from "node:os";
import { freePort } from "./free_port.ts";
import {
  asOrdinaryUser,
  launchServer,
  looksLikeRoot,
  prepare,
  type Server,
  type ServerPlace,
} from "./process.ts";
import { installed } from "./programs.ts";

export const programs = ["sshd", "ssh-keygen"];
export const ordinaryUser = true;

export async function start(place: ServerPlace): Promise<Server> {
  const { directory, address } = place;
  const port = freePort(address);
  const hostKey = join(directory, "host_key");
  const userKey = join(directory, "user_key");
  for (const file of [hostKey, userKey]) {
    await prepare(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "portpin", "-f", file]);
  }
  const configuration = join(directory, "sshd_config");
  await Deno.writeTextFile(
    configuration,
    [
      `ListenAddress ${address.includes(":") ? `[${address}]` : address}:${port}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${userKey}.pub`,
      "PidFile none",
      "UsePAM no",
      "StrictModes no", // The directory lies in /tmp, which anybody may write.
      "",
    ].join("\n"),
  );
  // It starts itself anew for each connection and so insists on an absolute path.
  const server = [installed("sshd"), "-D", "-e", "-f", configuration];
  return launchServer({
    ...place,
    name: "sshd",
    port,
    argv: asOrdinaryUser(directory, "portpin", server),
    words: { key: userKey, user: looksLikeRoot() ? "portpin" : userInfo().username },
  });
}

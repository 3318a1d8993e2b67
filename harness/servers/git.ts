/**
 * A git daemon that serves one small repository, `/repository`, over git://. Debian package: git.
 */

import { join } from "node:path";
import { freePort } from "./free_port.ts";
import { launchServer, prepare, type Server, type ServerPlace } from "./process.ts";

export const programs = ["git"];

/** Nothing of the user's or the machine's own configuration counts. */
const env = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };

export async function start(place: ServerPlace): Promise<Server> {
  const { directory, address } = place;
  const repository = join(directory, "repository");
  const author = ["-c", "user.name=portpin", "-c", "user.email=portpin@example.invalid"];
  await prepare(["git", "init", "--quiet", "--initial-branch=main", repository], env);
  await prepare(
    ["git", "-C", repository, ...author, "commit", "--quiet", "--allow-empty", "-m", "portpin"],
    env,
  );
  const port = freePort(address);
  return launchServer({
    ...place,
    name: "git-daemon",
    port,
    // The program itself: `git daemon` would only start it as a child.
    argv: [
      join(await programDirectory(), "git-daemon"),
      ...[`--listen=${address}`, `--port=${port}`, "--reuseaddr"],
      ...[`--base-path=${directory}`, "--export-all", "--informative-errors"],
    ],
    env,
  });
}

async function programDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command("git", { args: ["--exec-path"] }).output();
  return new TextDecoder().decode(stdout).trim();
}

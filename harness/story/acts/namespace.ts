/** Act 3: the kernel's own choice, narrowed for everybody in a network namespace. */
import { namespaceRange } from "../approaches.ts";
import {
  keeps,
  leavesPorts,
  privilegedOnly,
  run,
  sharesPorts,
  stopsAtPorts,
} from "../conclusions.ts";
import type { Act } from "../stage.ts";

export const namespaceAct: Act = {
  title: "A namespace with its own range of ports",
  needsNamespace: true,
  async play(stage) {
    const { measurements } = stage;
    stage.say(`
      The kernel chooses from net.ipv4.ip_local_port_range, which each network namespace has for
      itself. In a namespace where it is ${namespaceRange.portRange} the plain program of act 1 runs
      as it is.
    `);
    const tcp = await run(stage, namespaceRange, "tcp");
    stage.conclude(keeps(tcp), sharesPorts(tcp));
    stage.conclude(stopsAtPorts(await run(stage, namespaceRange, "udp")));
    const neighbour = await measurements.neighbour(namespaceRange);
    const interfaces = await measurements.interfaces(namespaceRange);
    stage.conclude(leavesPorts(neighbour));
    stage.say(`
      But the range is everybody's who is in the namespace: resolvers, health checks, a shell. And a
      namespace must be made, and connected to the network:
    `);
    stage.conclude(
      {
        claim: "Every other program in the namespace is bound to the range, too.",
        holds: neighbour.isBound,
        measured: neighbour.isBound ? "one that did not ask had our ports" : "one had other ports",
      },
      privilegedOnly(await measurements.needsPrivilege(namespaceRange)),
      {
        claim: "A new namespace has no way out.",
        holds: interfaces.join() === "lo",
        measured: `its interfaces are ${interfaces.join(", ")}`,
      },
    );
  },
};

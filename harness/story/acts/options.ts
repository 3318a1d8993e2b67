/** Act 4: the two socket options, in a program that was changed to ask for them. */
import { options, optionsWithoutThem } from "../approaches.ts";
import { freely, keeps, leavesPorts, run, sharesPorts, stopsAtPorts } from "../conclusions.ts";
import type { Act } from "../stage.ts";

export const optionsAct: Act = {
  title: "The program asks for the two socket options",
  needsNamespace: true,
  needsRangeOption: true,
  async play(stage) {
    const { measurements } = stage;
    stage.say(`
      IP_LOCAL_PORT_RANGE (Linux 6.3) narrows the range for one socket, and
      IP_BIND_ADDRESS_NO_PORT (Linux 4.2) lets a program bind to an address and leave the port to
      connect(2), which knows the destination:
    `);
    await stage.show("options.py");
    const tcp = await run(stage, options, "tcp");
    stage.conclude(keeps(tcp), sharesPorts(tcp));
    stage.conclude(stopsAtPorts(await run(stage, options, "udp")));
    stage.conclude(
      leavesPorts(await measurements.neighbour(options)),
      freely(await measurements.needsPrivilege(options)),
    );
    stage.say(`
      That is what one would want, of a program that can be changed. Where the kernel lacks the
      options (old_kernel plays such a kernel), the changed program must know the search as well:
    `);
    const without = await run(stage, optionsWithoutThem, "tcp");
    stage.conclude({
      claim: "Without the options the program gets no connection at all.",
      holds: without.ports.flat().length === 0 &&
        without.errnos.every((errno) => errno === "ENOPROTOOPT"),
      measured: `${without.ports.flat().length} connections, ${without.errnos.join(", ")}`,
    });
  },
};

/** Act 1: what a program does that was never told about ports. */
import { plain, portCount, ports } from "../approaches.ts";
import { run, strays } from "../conclusions.ts";
import type { Act } from "../stage.ts";

export const plainAct: Act = {
  title: "A plain program takes any port",
  needsNamespace: false,
  async play(stage) {
    stage.say(`
      Several hosts share one public address. Each owns a part of its source ports, and an answer
      finds its host by the port that it is sent to. That works as long as every program keeps to
      the ports of its host. In this story they are the ${portCount} ports
      ${ports.low}-${ports.high}.
    `);
    stage.say("This is how programs connect:");
    await stage.show("plain.py");
    stage.say(`
      client.py calls it, ${portCount + 1} times for each of three destinations. They say which
      source port they see, and it prints what they say.
    `);
    stage.conclude(strays(await run(stage, plain, "tcp")));
    const calls = await stage.measurements.calls(plain);
    stage.conclude({
      claim: "A connect is two system calls, socket(2) and connect(2).",
      holds: calls.every((count) => count === 2),
      measured: calls.join(", "),
    });
  },
};

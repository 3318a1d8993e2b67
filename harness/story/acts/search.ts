/** Act 2: how programs chose their ports before the kernel could, and what was wrong with it. */
import { plain, search } from "../approaches.ts";
import { keeps, leavesPorts, losesPorts, run, sharesPorts, stopsAtPorts } from "../conclusions.ts";
import type { Act, Conclusion, Stage } from "../stage.ts";

export const searchAct: Act = {
  title: "The program searches a port: bind before connect",
  needsNamespace: true,
  async play(stage) {
    stage.say(`
      bind(2) can choose the port, connect(2) cannot. So a program that must keep to some ports
      binds to one after the other until connect accepts it:
    `);
    await stage.show("search.py");
    const tcp = await run(stage, search, "tcp");
    stage.conclude(keeps(tcp), sharesPorts(tcp));
    const udp = await run(stage, search, "udp");
    stage.conclude(stopsAtPorts(udp));
    const calls = await stage.measurements.calls(search);
    stage.conclude({
      claim: "With each port that is taken the search makes more system calls.",
      holds: calls.every((count, index) => index === 0 || count > calls[index - 1]),
      measured: `${calls.join(", ")} for one connect after the other`,
    });
    await showConflict(stage);
    await showNeighbour(stage);
  },
};

async function showConflict(stage: Stage): Promise<void> {
  stage.say(`
    The first downside: bind does not know the destination. With SO_REUSEADDR, which sharing a port
    takes, it lets two sockets have one port. Here both then want the same destination:
  `);
  await stage.show("conflict.py");
  const output = await stage.measurements.output(plain, "conflict.py");
  stage.output(plain, output);
  const { lines } = output;
  const udpAt = lines.indexOf("UDP");
  stage.conclude(...concludeTcp(lines.slice(0, udpAt)), concludeUdp(lines.slice(udpAt)));
}

/** What conflict.py said of something, in its order. */
function saidOf(what: string, lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith(`${what}: `)).map((line) =>
    line.split(": ").at(-1)!
  );
}

function concludeTcp(lines: readonly string[]): Conclusion[] {
  const [bind] = saidOf("second: bind 50000", lines);
  const [connect] = saidOf("second: connect", lines);
  const again = saidOf("second: bind 50001", lines);
  const [port] = saidOf("second: has port", lines);
  return [{
    claim: "On TCP bind accepts the conflict, and only connect reports it.",
    holds: bind === "ok" && connect === "EADDRNOTAVAIL",
    measured: `bind ${bind}, connect ${connect}`,
  }, {
    claim: "The socket is stuck: it can neither take another port nor release this one.",
    holds: again.join() === "EINVAL,EINVAL" && port === "50000",
    measured: `bind to another port ${again[0]}, after a disconnect ${again[1]}, port ${port}`,
  }];
}

function concludeUdp(lines: readonly string[]): Conclusion {
  const connects = ["first", "second"].flatMap((name) => saidOf(`${name}: connect`, lines));
  const answers = ["first", "second"].flatMap((name) =>
    saidOf(`${name}: sent 1, was answered`, lines)
  );
  return {
    claim: "On UDP nothing reports it, and one of the two gets the answers of both.",
    holds: connects.join() === "ok,ok" && answers.toSorted().join() === "0,2",
    measured: `connect ${connects.join(" and ")}; ${answers.join(" and ")} answers`,
  };
}

async function showNeighbour(stage: Stage): Promise<void> {
  stage.say(`
    The second downside: what is bound to a port by number has it for itself, as far as the
    kernel's own choice goes. While each of the ports has a connection, another program connects
    elsewhere, and the kernel has no port for it but one of these.
  `);
  stage.conclude(losesPorts(await stage.measurements.neighbour(search)));
  stage.say("The same where the plain program holds its connections:");
  stage.conclude(leavesPorts(await stage.measurements.neighbour(plain)));
}

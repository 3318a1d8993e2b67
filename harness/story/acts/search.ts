/** Act 2: how programs chose their ports before the kernel could, and what was wrong with it. */
import { plain, search } from "../approaches.ts";
import { keeps, leavesPorts, losesPorts, run, sharesPorts, stopsAtPorts } from "../conclusions.ts";
import type { Act, Stage } from "../stage.ts";

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
  const { command, lines } = await stage.measurements.output(plain, "conflict.py");
  stage.output(plain, { command, lines });
  const [tcp, udp] = [lines.slice(0, lines.indexOf("UDP")), lines.slice(lines.indexOf("UDP"))];
  const said = (part: string[], about: string) =>
    part.filter((line) => line.startsWith(`${about}: `)).map((line) => line.split(": ").at(-1)!);
  const late = [...said(tcp, "second: bind 50000"), ...said(tcp, "second: connect")];
  stage.conclude({
    claim: "On TCP bind accepts the conflict, and only connect reports it.",
    holds: late.join() === "ok,EADDRNOTAVAIL",
    measured: `bind ${late[0]}, connect ${late[1]}`,
  });
  const again = said(tcp, "second: bind 50001");
  const kept = said(tcp, "second: has port")[0];
  stage.conclude({
    claim: "The socket is stuck: it can neither take another port nor release this one.",
    holds: again.join() === "EINVAL,EINVAL" && kept === "50000",
    measured: `binding to another port ${again[0]}, after a disconnect ${again[1]}, port ${kept}`,
  });
  const connects = [...said(udp, "first: connect"), ...said(udp, "second: connect")];
  const answered = lines.flatMap((line) => /was answered: (\d+)$/.exec(line)?.[1] ?? []);
  stage.conclude({
    claim: "On UDP nothing reports it, and one of the two gets the answers of both.",
    holds: connects.join() === "ok,ok" && answered.toSorted().join() === "0,2",
    measured: `connect ${connects.join(" and ")}; ${answered.join(" and ")} answers`,
  });
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

import assert from "node:assert/strict";
import { able } from "../../generator/explain_for_tests.ts";
import { generalPolicy } from "../../generator/policy.ts";
import { environmentSettings, withSettings } from "../../generator/settings.ts";
import { diagnose } from "./diagnose.ts";
import type { Facts } from "./facts.ts";
import { ableFacts, ranges, without51 } from "./facts_for_tests.ts";
import { charsetOf, renderReport, Report } from "./report.ts";

const asked = { PORTPIN_PORTS: "60000-60511" };

/** The report on `facts` where the environment is as given. */
function reportOf(
  facts: Facts = ableFacts,
  environment: Record<string, string> = asked,
  kernel = able,
): Report {
  const settings = environmentSettings((name) => environment[name]);
  return Report.parse(diagnose(facts, withSettings(generalPolicy, settings), kernel));
}

/** The engines that the report names, each once. */
function enginesIn({ engines }: Report): (string | null)[] {
  return [...new Set(engines.map(({ engine }) => engine))];
}

/** The findings with a mark, and the advice behind them. */
function marked(report: Report, mark: "bad" | "warning"): string[] {
  return report.sections.flatMap(({ findings }) => findings)
    .filter((finding) => finding.mark === mark)
    .map(({ text, advice }) => advice === null ? text : `${text} -> ${advice}`);
}

Deno.test("diagnose() lets the kernel keep ports that it can keep", () => {
  const report = reportOf();
  assert.deepEqual([report.kept, enginesIn(report)], [true, ["kernel"]]);
  assert.deepEqual([...marked(report, "bad"), ...marked(report, "warning")], []);
});

Deno.test("diagnose() falls back to the emulation without option 51", () => {
  const kernel = { ...able, portRangeErrno: "ENOPROTOOPT" };
  const report = reportOf(without51(), asked, kernel);
  assert.deepEqual([report.kept, enginesIn(report)], [true, ["emulation"]]);
  assert.ok(marked(report, "warning").some((text) => /-> Linux 6\.3 or newer/.test(text)));
});

Deno.test("diagnose() says that the kernel engine alone cannot keep ports without option 51", () => {
  const kernel = { ...able, portRangeErrno: "ENOPROTOOPT" };
  const report = reportOf(without51(), { ...asked, PORTPIN_ENGINE: "kernel" }, kernel);
  assert.deepEqual([report.kept, enginesIn(report)], [false, [null]]);
  assert.match(marked(report, "bad")[0], /^Engine kernel: cannot: on tcp and udp setting .* gives/);
});

Deno.test("diagnose() gives MPTCP its own engine where it lacks the option", () => {
  const sockets = ableFacts.sockets.map((socket) =>
    socket.transport === "mptcp" ? { ...socket, portRange: "EOPNOTSUPP", honoured: null } : socket
  );
  const { kept, engines, sections } = reportOf({ ...ableFacts, sockets });
  assert.equal(kept, true);
  assert.equal(engines.find(({ transport }) => transport === "mptcp")!.engine, "emulation");
  const conclusion = sections.at(-1)!.findings[0].text;
  assert.match(conclusion, /: on tcp, udp, sctp by the kernel engine; on mptcp by the emulation /);
});

Deno.test("diagnose() gives the sysctl line for ports outside ip_local_port_range", () => {
  const facts = { ...ableFacts, ranges: ranges({ low: 61000, high: 61511 }) };
  const report = reportOf(facts, { PORTPIN_PORTS: "61000-61511" });
  assert.deepEqual([report.kept, enginesIn(report)], [true, ["emulation"]]);
  const line = 'sysctl -w net.ipv4.ip_local_port_range="32768 61511"';
  assert.ok(marked(report, "warning").some((text) => text.includes(line)));
});

Deno.test("diagnose() does not trust a kernel that takes a range and ignores it", () => {
  const sockets = ableFacts.sockets.map((socket) => ({ ...socket, honoured: false }));
  const ignored = reportOf({ ...ableFacts, sockets });
  assert.deepEqual([ignored.kept, enginesIn(ignored)], [false, [null]]);
  assert.match(marked(ignored, "bad")[0], /but bind\(0\) does not keep to the range$/);

  const elsewhere = ableFacts.ranges.map((range) => ({
    ...range,
    kernel: { port: 40000, errno: null },
  }));
  const report = reportOf({ ...ableFacts, ranges: elsewhere });
  assert.equal(report.kept, false);
  assert.ok(
    marked(report, "warning").some((text) =>
      text.includes("bind(0) within 60000-60511 gave port 40000")
    ),
  );
});

Deno.test("diagnose() counts ports that are busy as kept, and reserved ones as not", () => {
  const busy = { port: null, errno: "EADDRINUSE" };
  const facts: Facts = {
    ...ableFacts,
    ranges: ableFacts.ranges.map((range) => ({ ...range, kernel: busy, emulation: busy })),
  };
  assert.equal(reportOf(facts).kept, true);
  const reserved = [{ low: 59990, high: 60520 }];
  const report = reportOf(facts, asked, { ...able, reserved });
  assert.equal(report.kept, false);
  assert.ok(
    marked(report, "warning").some((text) =>
      text.startsWith("60000-60511: reserved by ip_local_reserved_ports") &&
      text.endsWith(
        ' -> sysctl -w net.ipv4.ip_local_reserved_ports="59990-59999,60512-60520"',
      )
    ),
  );
});

Deno.test("diagnose() says what to do about ports that need a privilege", () => {
  const low = ranges({ low: 500, high: 511 }).map((range) => ({
    ...range,
    kernel: { port: 40000, errno: null },
    emulation: { port: null, errno: "EACCES" },
  }));
  const report = reportOf({ ...ableFacts, ranges: low }, { PORTPIN_PORTS: "500-511" });
  assert.equal(report.kept, false);
  assert.ok(
    marked(report, "warning").includes(
      "500-511: bind() gives EACCES without CAP_NET_BIND_SERVICE -> " +
        "sysctl -w net.ipv4.ip_unprivileged_port_start=500",
    ),
  );
});

Deno.test("diagnose() keeps nothing where bind is forbidden and the kernel cannot", () => {
  const facts = without51();
  const forbidden = { port: null, errno: "EPERM" };
  const report = reportOf({
    ...facts,
    ranges: facts.ranges.map((range) => ({ ...range, emulation: forbidden })),
  });
  assert.deepEqual([report.kept, enginesIn(report)], [false, [null]]);
});

Deno.test("diagnose() wants the library to be preloaded, and the source to be bindable", () => {
  const { programs } = ableFacts;
  const left = { ...ableFacts, programs: { ...programs, preload: "no reason" } };
  assert.equal(reportOf(left).kept, false);
  assert.equal(reportOf({ ...ableFacts, programs: { ...programs, secure: true } }).kept, false);
  const unbuilt = reportOf({ ...ableFacts, programs: { ...programs, built: false } });
  assert.equal(unbuilt.kept, true);
  assert.match(marked(unbuilt, "warning")[0], /-> deno task build$/);
  const source = [{ address: "198.51.100.1", bind: "EADDRNOTAVAIL" }];
  const away = reportOf({ ...ableFacts, source });
  assert.equal(away.kept, false);
  assert.match(
    marked(away, "bad")[0],
    /^198\.51\.100\.1 .* -> ip address add 198\.51\.100\.1 dev /,
  );
});

Deno.test("diagnose() names the modules that sock_diag lacks", () => {
  const report = reportOf({ ...ableFacts, sockDiag: { tcp: "ENOENT", udp: "ENOENT" } });
  const modules = marked(report, "warning").map((text) => text.split(" -> ")[1]);
  assert.deepEqual(modules, ["modprobe tcp_diag", "modprobe udp_diag"]);
});

Deno.test("diagnose() keeps nothing while portpin is off", () => {
  assert.equal(diagnose(ableFacts, generalPolicy, able, true).kept, false);
});

Deno.test("renderReport() marks each finding in what the locale can show", () => {
  const report = reportOf({ ...ableFacts, sockDiag: { tcp: null, udp: "ENOENT" } });
  const unicode = renderReport(report, "unicode");
  assert.match(unicode, /^ {2}✓ sock_diag finds tcp sockets\n {2}! sock_diag does not find udp/m);
  assert.match(unicode, /^ {4}To change it: modprobe udp_diag$/m);
  const ascii = renderReport(report, "ascii");
  assert.match(ascii, /^ {2}ok sock_diag finds tcp sockets\n {2}! {2}sock_diag does not find udp/m);
  assert.match(ascii, /^ {5}To change it: modprobe udp_diag$/m);
  assert.ok([...ascii].every((character) => character.charCodeAt(0) < 128));
});

Deno.test("charsetOf() goes by the first locale variable that is set", () => {
  const charset = (variables: Record<string, string>) => charsetOf((name) => variables[name]);
  assert.equal(charset({ LANG: "de_DE.UTF-8" }), "unicode");
  assert.equal(charset({ LANG: "de_DE.UTF-8", LC_ALL: "C" }), "ascii");
  assert.equal(charset({ LC_ALL: "", LC_CTYPE: "C.utf8" }), "unicode");
  assert.equal(charset({}), "ascii");
});

import assert from "node:assert/strict";
import { World } from "./case.ts";
import { parseCase, readCases } from "./case_file.ts";
import { hasProtocol, missingOf, skipReason, testsEverywhere, testsIn, testsOf } from "./plan.ts";

/** The tests of a case with `fields`, which is called `c`. */
function tests(fields: Record<string, unknown>) {
  const text = JSON.stringify({ promise: "It is so.", program: ["sh"], ...fields });
  return testsOf({ name: "c", folder: "/nowhere", case: parseCase(text, "c") });
}

const ids = (fields: Record<string, unknown>) => tests(fields).map(({ id }) => id);

Deno.test("testsOf() is one test without a matrix", () => {
  assert.deepEqual(ids({}), ["c"]);
});

Deno.test("testsOf() is one test for each combination", () => {
  assert.deepEqual(ids({ matrix: { family: ["ipv4", "ipv6"], size: [1, 2] } }), [
    "c family=ipv4 size=1",
    "c family=ipv4 size=2",
    "c family=ipv6 size=1",
    "c family=ipv6 size=2",
  ]);
});

Deno.test("testsOf() runs our guest in the builds that the case asks for, or the usual three", () => {
  assert.deepEqual(ids({ program: ["{guest}"] }), ["c guest=glibc", "c guest=musl", "c guest=x86"]);
  assert.deepEqual(ids({ program: ["sh", "{guest}"], guests: ["s390x"] }), ["c guest=s390x"]);
});

Deno.test("testsOf() gives the family to the services, ipv4 by default", () => {
  assert.equal(tests({})[0].family, "ipv4");
  assert.equal(tests({ matrix: { family: ["mapped"] } })[0].family, "mapped");
});

Deno.test("missingOf() names programs that are not installed, those of the driver and of qemu too", () => {
  const [test] = tests({ requires: ["sh", "no-such-a"], driver: ["no-such-b"] });
  assert.deepEqual(missingOf(test), ["no-such-b", "no-such-a"]);
});

Deno.test("skipReason() names what is missing", () => {
  const [test] = tests({ program: ["/no/such/program"] });
  assert.equal(skipReason(test, undefined), "missing: /no/such/program");
});

Deno.test("skipReason() asks for a namespace only where a case needs one", () => {
  const reason = (fields: Record<string, unknown>) => skipReason(tests(fields)[0], "no namespace");
  const matrix = { family: ["ipv6"] };
  assert.equal(reason({}), undefined);
  assert.equal(reason({ matrix, services: { a: { kind: "tcp" } } }), undefined);
  assert.equal(reason({ matrix, services: { a: { kind: "tcp", host: 2 } } }), "no namespace");
  assert.equal(reason({ portRange: "50000-50003" }), "no namespace");
  assert.equal(reason({ network: "pair" }), "no namespace");
  assert.equal(reason({ sysctl: { "net.ipv4.tcp_fastopen": "3" } }), "no namespace");
  assert.equal(reason({ ports: "50000-50003" }), "no namespace");
  assert.equal(skipReason(tests({ portRange: "50000-50003" })[0], undefined), undefined);
  const [before42] = testsIn("without-51-and-24", tests({})[0].file);
  assert.equal(skipReason(before42, "no namespace"), "no namespace");
});

Deno.test("hasProtocol() asks the kernel only for a protocol that a case names", () => {
  assert.ok(hasProtocol(tests({})[0]));
  const [test] = tests({ protocol: "sctp" });
  const reason = hasProtocol(test) ? undefined : "this kernel has no SCTP";
  assert.equal(skipReason(test, undefined), reason);
});

Deno.test("testsEverywhere() runs a case in every world, unless it says itself how ports are kept", async () => {
  const [plain] = await readCases(["tcp-connect-blocking"]);
  const worlds = testsEverywhere(plain).map(({ world }) => world);
  assert.deepEqual([...new Set(worlds)], World.options);
  // One build of the guest is enough where the kernel does not keep the ports.
  const elsewhere = testsIn("emulation", plain);
  assert.deepEqual([...new Set(elsewhere.map(({ guest }) => guest))], ["glibc"]);
  assert.match(elsewhere[0].id, / world=emulation$/);

  for (const name of ["refused-without-option", "policy-ports-baked-in", "program-python-share"]) {
    const [own] = await readCases([name]);
    assert.deepEqual(
      [...new Set(testsEverywhere(own).map(({ world }) => world))],
      ["kernel"],
      name,
    );
  }
});

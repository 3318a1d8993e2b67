import assert from "node:assert/strict";
import { bytesInMemory } from "./elf.ts";
import { envTarget, isEnv, parseShebang } from "./script.ts";

const parse = (text: string) => parseShebang(bytesInMemory(new TextEncoder().encode(text)));

Deno.test("parseShebang() splits the line as the kernel does", () => {
  assert.deepEqual(parse("#!/bin/sh\necho"), { interpreter: "/bin/sh", argument: undefined });
  assert.deepEqual(parse("#! \t/bin/sh -e -u \t\n"), { interpreter: "/bin/sh", argument: "-e -u" });
  assert.deepEqual(parse("#!/bin/sh"), { interpreter: "/bin/sh", argument: undefined });
  assert.deepEqual(parse("#!/bin/sh\r\n"), { interpreter: "/bin/sh\r", argument: undefined });
  assert.equal(parse("#!\n/bin/sh"), undefined);
  assert.equal(parse("#"), undefined);
  assert.equal(parse(""), undefined);
  assert.equal(parse("echo"), undefined);
});

Deno.test("envTarget() finds what env runs", () => {
  const target = (line: string) => {
    const shebang = parse(`#!/usr/bin/${line}\n`)!;
    assert.ok(isEnv(shebang));
    return envTarget(shebang);
  };
  assert.deepEqual(target("env python3"), { name: "python3" });
  assert.deepEqual(target("env python3 -u"), { name: "python3 -u" });
  assert.deepEqual(target("env -S python3 -u"), { name: "python3" });
  assert.deepEqual(target("env -S A=1 -u B python3"), { name: "python3" });
  assert.deepEqual(target("env --split-string=perl -w"), { name: "perl" });
  assert.deepEqual(target("env"), "unknown");
  assert.deepEqual(target('env -S "my python"'), "unknown");
  assert.deepEqual(target("env -S PATH=/opt/bin perl"), "unknown");
  assert.deepEqual(target("env -S --chdir=/ perl"), "unknown");
  assert.deepEqual(target("env -S -i perl"), {
    dropsPreload: "env -i empties the environment",
  });
  assert.deepEqual(target("env -"), { dropsPreload: "env - empties the environment" });
  assert.deepEqual(target("env -S -uLD_PRELOAD perl"), {
    dropsPreload: "env -uLD_PRELOAD unsets LD_PRELOAD",
  });
  assert.deepEqual(target("env -S LD_PRELOAD= perl"), { dropsPreload: "env sets LD_PRELOAD" });
});

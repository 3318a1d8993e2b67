import assert from "node:assert/strict";
import { join } from "node:path";
import { Failure } from "../../generator/failure.ts";
import { installed } from "../servers/programs.ts";
import { requirePrograms } from "./requirements.ts";

// Programs of /usr/sbin are found whatever PATH says, so that not all can be made to miss.
Deno.test("requirePrograms() names everything that is missing, how to get it, and status 78", () => {
  const path = Deno.env.get("PATH");
  try {
    Deno.env.set("PATH", "/nowhere");
    assert.throws(() => requirePrograms({ fetching: true }), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.status, 78);
      assert.match(
        error.message,
        /^portpin: Cannot boot kernels: qemu-system-x86_64 is not installed, busybox is not/,
      );
      assert.match(error.message, /give --kernel and --modules/);
      return true;
    });
    assert.throws(() => requirePrograms({ fetching: false }), {
      message: /on Debian: apt-get install busybox-static .*qemu-system-x86/,
    });
  } finally {
    if (path !== undefined) Deno.env.set("PATH", path);
  }
});

Deno.test("requirePrograms() tells what cannot be executed, or not without libraries, from what is missing", async () => {
  const path = Deno.env.get("PATH") ?? "";
  const folder = await Deno.makeTempDir({ prefix: "portpin-test-" });
  try {
    await Deno.writeTextFile(join(folder, "qemu-system-x86_64"), "");
    await Deno.copyFile(installed("true"), join(folder, "busybox"));
    Deno.env.set("PATH", folder);
    assert.throws(() => requirePrograms({ fetching: false }), (error) => {
      assert.ok(error instanceof Failure);
      assert.ok(error.message.includes(`: ${folder}/qemu-system-x86_64 is not executable, `));
      assert.ok(error.message.includes(`, ${folder}/busybox is not linked statically, `));
      return true;
    });
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(folder, { recursive: true });
  }
});

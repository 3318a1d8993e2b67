import assert from "node:assert/strict";
import { Failure } from "../../generator/failure.ts";
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
        /^portpin: Cannot boot kernels: not installed: qemu-system-x86_64,/,
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

import assert from "node:assert/strict";
import { basename } from "node:path";
import { preloadPath } from "./preload_path.ts";
import { TemporaryDirectory } from "./programs_for_tests.ts";

Deno.test("preloadPath() leaves a plain path as it is", () => {
  assert.equal(preloadPath("/opt/portpin-é/libportpin.so"), "/opt/portpin-é/libportpin.so");
});

Deno.test("preloadPath() links what LD_PRELOAD cannot hold", () => {
  using directory = new TemporaryDirectory();
  for (const name of ["with space.so", "with:colon.so", "with$ORIGIN.so", "with\nnewline.so"]) {
    const library = directory.executable(name, "");
    const link = preloadPath(library);
    try {
      assert.match(basename(link), /^[0-9a-f]+\.so$/);
      assert.equal(Deno.realPathSync(link), library);
      assert.equal(preloadPath(library), link);
    } finally {
      Deno.removeSync(link);
    }
  }
});

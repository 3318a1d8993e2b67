import assert from "node:assert/strict";
import { imagePackage, sourceLine } from "./debian.ts";

/** What apt says on a machine with two Debian repositories and somebody else's. */
const targets = [
  "Other\tOther\tmain\thttp://other.example/debian/",
  "Debian\tDebian-Security\tmain\thttp://mirror.example/debian-security/",
  "Debian\tDebian\tcontrib\thttp://mirror.example/debian/",
  "Debian\tDebian\tmain\thttp://mirror.example/debian/",
  "",
].join("\n");

Deno.test("sourceLine() asks the repository that the machine has Debian from for another suite", () => {
  assert.equal(
    sourceLine(targets, "bullseye", undefined),
    "deb [arch=amd64] http://mirror.example/debian/ bullseye main",
  );
});

Deno.test("sourceLine() trusts the keys that it is given", () => {
  assert.equal(
    sourceLine(targets, "trixie", "/keys.gpg"),
    "deb [arch=amd64 signed-by=/keys.gpg] http://mirror.example/debian/ trixie main",
  );
});

Deno.test("sourceLine() says what to do where apt has no list of Debian's", () => {
  const expected = /^apt has no list of Debian's main repository \(apt-get update fetches it/;
  for (const lists of ["", targets.split("\n").slice(0, 3).join("\n")]) {
    assert.throws(() => sourceLine(lists, "bullseye", undefined), { message: expected });
  }
});

Deno.test("imagePackage() is what linux-image-amd64 depends on", () => {
  const depends = "linux-image-amd64\n  Depends: linux-image-5.10.0-32-amd64\n";
  assert.equal(imagePackage(depends), "linux-image-5.10.0-32-amd64");
  assert.throws(() => imagePackage("linux-image-amd64\n"), /depends on no linux-image/);
});

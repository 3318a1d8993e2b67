import assert from "node:assert/strict";
import { insertedFiles } from "./initramfs.ts";

Deno.test("insertedFiles() keeps the order, names a shared dependency once, leaves out what is built in", () => {
  const shown = [
    "builtin virtio_pci",
    "insmod /m/net/9pnet.ko ",
    "insmod /m/net/9pnet_virtio.ko ",
    "insmod /m/net/9pnet.ko ",
    "insmod /m/fs/9p.ko.xz ",
    "",
  ].join("\n");
  assert.deepEqual(insertedFiles(shown), [
    "/m/net/9pnet.ko",
    "/m/net/9pnet_virtio.ko",
    "/m/fs/9p.ko.xz",
  ]);
});

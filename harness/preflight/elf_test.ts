import assert from "node:assert/strict";
import { bytesInMemory, ElfError, isElf, parseElf } from "./elf.ts";
import { FileBytes } from "./file_bytes.ts";
import {
  dynamicProgram,
  staticProgram,
  TemporaryDirectory,
  withGoNote,
} from "./programs_for_tests.ts";

const parseFile = (path: string) => {
  using bytes = new FileBytes(path);
  return parseElf(bytes);
};

Deno.test("parseElf() reads a program of the distribution", () => {
  const elf = parseFile("/usr/bin/true");
  assert.equal(elf.machine.bits, 64);
  assert.match(elf.interpreter!, /^\/lib.*ld-linux/);
  assert.equal(elf.dynamic, true);
  assert.equal(elf.go, false);
});

Deno.test("parseElf() tells static programs from dynamic ones", async () => {
  using directory = new TemporaryDirectory();
  const plain = parseFile(await staticProgram(directory, { name: "plain" }));
  assert.deepEqual([plain.interpreter, plain.dynamic], [undefined, false]);
  const pie = parseFile(await staticProgram(directory, { name: "pie", pie: true }));
  assert.deepEqual([pie.interpreter, pie.dynamic], [undefined, true]);
});

Deno.test("parseElf() reads other widths and byte orders", async () => {
  using directory = new TemporaryDirectory();
  const read = async (target: string) => parseFile(await dynamicProgram(directory, target));
  assert.deepEqual((await read("x86-linux-gnu")).machine, {
    number: 3,
    bits: 32,
    endian: "little",
  });
  const s390 = await read("s390x-linux-gnu");
  assert.deepEqual(s390.machine, { number: 22, bits: 64, endian: "big" });
  assert.equal(s390.interpreter, "/lib/ld64.so.1");
});

Deno.test("parseElf() recognises Go by its note and by its section", async () => {
  using directory = new TemporaryDirectory();
  const path = await dynamicProgram(directory, "x86_64-linux-gnu");
  const bytes = Deno.readFileSync(path);
  assert.equal(parseElf(bytesInMemory(bytes)).go, false);
  assert.equal(parseElf(bytesInMemory(withGoNote(bytes))).go, true);

  const section = '__attribute__((section(".go.buildinfo"), used)) static int info = 1;';
  const other = await dynamicProgram(directory, "x86_64-linux-gnu", section);
  assert.equal(parseFile(other).go, true);
});

Deno.test("parseElf() gives nothing but an ElfError for damaged files", () => {
  const whole = Deno.readFileSync("/usr/bin/true");
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const random = randomNumbers(seed);
  let damaged = 0;
  for (let round = 0; round < 5000; round++) {
    const bytes = new Uint8Array(
      random() % 3 === 0 ? whole.subarray(0, random() % whole.length) : whole,
    );
    const headers = random() % 2 === 0 ? 1024 : bytes.length;
    for (let flips = random() % 8; flips > 0 && bytes.length > 4; flips--) {
      bytes[4 + random() % (Math.min(headers, bytes.length) - 4)] = random();
    }
    const source = bytesInMemory(bytes);
    try {
      if (isElf(source)) parseElf(source);
      else assert.ok(bytes.length < 4);
    } catch (error) {
      assert.ok(error instanceof ElfError, `seed ${seed}, round ${round}: ${error}`);
      damaged++;
    }
  }
  assert.ok(damaged > 500, `only ${damaged} of the files were found damaged (seed ${seed})`);
});

/** Pseudo-random whole numbers, the same for the same seed (a linear congruential generator). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
}

// Reads of an ELF file what decides whether it can be preloaded: machine, program headers, notes,
// section names (elf(5), and the System V ABI, "Object Files").
//
// The bytes may be anything: whatever is truncated or contradicts itself is an ElfError, and nothing
// is read beyond what was given.

/** The file is not ELF, or is damaged. */
export class ElfError extends Error {
  override readonly name = "ElfError";
}

/** One program header (a segment); offsets and sizes in bytes of the file. */
interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** What kind of processor a file is for: all three must agree between program and library. */
export interface Machine {
  /** `e_machine`. */
  readonly number: number;
  readonly bits: 32 | 64;
  readonly endian: "little" | "big";
}

export interface Elf {
  readonly machine: Machine;
  /** `ET_EXEC` (2) or `ET_DYN` (3), or something that cannot be run. */
  readonly type: number;
  /** The program interpreter (the loader) that PT_INTERP names. */
  readonly interpreter: string | undefined;
  /** Whether there is a PT_DYNAMIC. */
  readonly dynamic: boolean;
  /** Whether the Go tool chain linked it. */
  readonly go: boolean;
}

const segmentType = { dynamic: 2, interpreter: 3, note: 4 } as const;

/** More than any real program has; a damaged file may claim 65535. */
const segmentsMax = 1024;

/** Where the bytes come from. `read` is only asked for what lies within `size`. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, size: number): Uint8Array;
}

/** Bytes in memory. */
export function bytesInMemory(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (offset, size) => bytes.subarray(offset, offset + size) };
}

/** Whether the bytes begin as every ELF file does. */
export function isElf(bytes: ByteSource): boolean {
  return bytes.size >= 4 && new TextDecoder("latin1").decode(bytes.read(0, 4)) === "\x7fELF";
}

/** @throws {ElfError} */
export function parseElf(bytes: ByteSource): Elf {
  if (!isElf(bytes)) throw new ElfError("it does not begin with the ELF magic number");
  const reader = new Reader(bytes);
  const wide = reader.bits === 64;
  const type = reader.u16(16);
  const number = reader.u16(18);
  const segments = readSegments(reader, {
    at: reader.word(wide ? 32 : 28),
    entrySize: reader.u16(wide ? 54 : 42),
    count: reader.u16(wide ? 56 : 44),
  });
  const interpreter = segments.find(({ type }) => type === segmentType.interpreter);
  return {
    machine: { number, bits: reader.bits, endian: reader.littleEndian ? "little" : "big" },
    type,
    interpreter: interpreter && reader.cString(interpreter.offset, interpreter.size),
    dynamic: segments.some(({ type }) => type === segmentType.dynamic),
    go: segments.some((segment) => hasGoNote(reader, segment)) || hasGoSection(reader),
  };
}

/** Where a table of headers lies. */
interface Table {
  readonly at: number;
  readonly entrySize: number;
  readonly count: number;
}

function readSegments(reader: Reader, { at, entrySize, count }: Table): Segment[] {
  const wide = reader.bits === 64;
  if (count === 0) return [];
  if (count > segmentsMax) throw new ElfError(`it claims ${count} program headers`);
  if (entrySize !== (wide ? 56 : 32)) {
    throw new ElfError(`it claims program headers of ${entrySize} bytes`);
  }
  return Array.from({ length: count }, (_, index) => {
    const entry = at + index * entrySize;
    return {
      type: reader.u32(entry),
      offset: reader.word(entry + (wide ? 8 : 4)),
      size: reader.word(entry + (wide ? 32 : 16)),
    };
  });
}

/** The note that cmd/link writes: owner `Go`, type 4 (its build ID). */
function hasGoNote(reader: Reader, segment: Segment): boolean {
  if (segment.type !== segmentType.note) return false;
  const end = segment.offset + segment.size;
  const aligned = (size: number) => Math.ceil(size / 4) * 4;
  let at = segment.offset;
  while (at + 12 <= end) {
    const [nameSize, descriptionSize, type] = [
      reader.u32(at),
      reader.u32(at + 4),
      reader.u32(at + 8),
    ];
    if (type === 4 && nameSize === 4 && reader.cString(at + 12, nameSize) === "Go") return true;
    at += 12 + aligned(nameSize) + aligned(descriptionSize);
  }
  return false;
}

/** Sections that only the Go linker makes, for a program linked with `-buildid=`. */
const goSections = new Set([".go.buildinfo", ".note.go.buildid"]);

/** A program runs without section headers, so damage among them is no reason to refuse it. */
function hasGoSection(reader: Reader): boolean {
  try {
    return sectionNames(reader).some((name) => goSections.has(name));
  } catch (error) {
    if (error instanceof ElfError) return false;
    throw error;
  }
}

function sectionNames(reader: Reader): string[] {
  const wide = reader.bits === 64;
  const table = reader.word(wide ? 40 : 32);
  const [entrySize, count, namesIndex] = [0, 2, 4].map((offset) =>
    reader.u16((wide ? 58 : 46) + offset)
  );
  if (table === 0 || count === 0) return [];
  const offsetField = wide ? 24 : 16;
  const names = table + namesIndex * entrySize;
  const namesOffset = reader.word(names + offsetField);
  const namesSize = reader.word(names + (wide ? 32 : 20));
  return Array.from({ length: count }, (_, index) => {
    const name = reader.u32(table + index * entrySize);
    return name < namesSize ? reader.cString(namesOffset + name, namesSize - name) : "";
  });
}

/** Numbers and strings at offsets, in the file's own byte order and width. */
class Reader {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  readonly #bytes: ByteSource;

  constructor(bytes: ByteSource) {
    this.#bytes = bytes;
    const [elfClass, data] = this.#read(4, 2);
    if (elfClass !== 1 && elfClass !== 2) throw new ElfError(`it is of unknown class ${elfClass}`);
    if (data !== 1 && data !== 2) throw new ElfError(`it is of unknown byte order ${data}`);
    this.bits = elfClass === 1 ? 32 : 64;
    this.littleEndian = data === 1;
  }

  u16(offset: number): number {
    return view(this.#read(offset, 2)).getUint16(0, this.littleEndian);
  }

  u32(offset: number): number {
    return view(this.#read(offset, 4)).getUint32(0, this.littleEndian);
  }

  /** A file offset or a size: 4 bytes in a 32-bit file, 8 in a 64-bit one. */
  word(offset: number): number {
    if (this.bits === 32) return this.u32(offset);
    const value = view(this.#read(offset, 8)).getBigUint64(0, this.littleEndian);
    if (value > Number.MAX_SAFE_INTEGER) throw new ElfError("it points beyond its end");
    return Number(value);
  }

  /** The text up to the first NUL, of `size` bytes at most and never longer than a path. */
  cString(offset: number, size: number): string {
    if (offset > this.#bytes.size) throw truncated();
    const bytes = this.#read(offset, Math.min(size, this.#bytes.size - offset, 4096));
    const nul = bytes.indexOf(0);
    return new TextDecoder().decode(nul < 0 ? bytes : bytes.subarray(0, nul));
  }

  #read(offset: number, size: number): Uint8Array {
    if (offset + size > this.#bytes.size) throw truncated();
    return this.#bytes.read(offset, size);
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function truncated(): ElfError {
  return new ElfError("it is truncated");
}

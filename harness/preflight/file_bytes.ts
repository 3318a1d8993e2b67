// A file's bytes by offset, read in pages: a program may be hundreds of megabytes, and what is
// wanted of it lies at its two ends.

import type { ByteSource } from "./elf.ts";

const pageSize = 1 << 16;

/** An open file; `using` closes it. */
export class FileBytes implements ByteSource, Disposable {
  readonly size: number;
  readonly #file: Deno.FsFile;
  readonly #pages = new Map<number, Uint8Array>();

  /** @throws {Error} of Deno.errors when the file cannot be read. */
  constructor(path: string) {
    this.#file = Deno.openSync(path);
    this.size = this.#file.statSync().size;
  }

  read(offset: number, size: number): Uint8Array {
    const page = Math.floor(offset / pageSize);
    const within = offset - page * pageSize;
    if (within + size <= pageSize) return this.#page(page).subarray(within, within + size);
    return this.#readAt(offset, size);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  #page(index: number): Uint8Array {
    const known = this.#pages.get(index);
    if (known !== undefined) return known;
    const offset = index * pageSize;
    const page = this.#readAt(offset, Math.min(pageSize, this.size - offset));
    this.#pages.set(index, page);
    return page;
  }

  /** The bytes; zeros where the file became shorter since it was opened. */
  #readAt(offset: number, size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    for (let filled = 0; filled < size;) {
      const count = this.#file.readSync(bytes.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    return bytes;
  }
}

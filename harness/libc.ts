// The few calls to libc that Deno has no API for and that are about no socket; those that are, are
// in generator/raw_socket.ts.
//
// A call that fails throws a SystemError, unless its result is the answer to a question. None keeps a
// pointer after it returned. Paths are strings, because Deno's own file API takes nothing else.

import { constants } from "node:os";
import { nameOfErrno } from "../generator/raw_socket.ts";

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  __errno_location: { parameters: [], result: "pointer" },
  close: { parameters: ["i32"], result: "i32" },
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  faccessat: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  getauxval: { parameters: ["usize"], result: "usize" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "isize" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  sigaction: { parameters: ["i32", "buffer", "pointer"], result: "i32" },
  statvfs: { parameters: ["buffer", "buffer"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  syscall: { parameters: ["isize", "usize", "buffer"], result: "isize" },
  unshare: { parameters: ["i32"], result: "i32" },
});

/** An errno, as its number; {@linkcode errnoText} says it in words. */
export class SystemError extends Error {
  override readonly name = "SystemError";

  /** In words: `Permission denied`. */
  readonly reason: string;

  constructor(call: string, readonly errno: number) {
    const reason = errnoText(errno);
    super(`${call}: ${reason}`);
    this.reason = reason;
  }
}

/** The numbers of this machine, by name. */
export const errnos = constants.errno;

/** As `perror` says it: `Permission denied`. */
export function errnoText(errno: number): string {
  const text = libc.strerror(errno);
  return text === null ? `errno ${errno}` : Deno.UnsafePointerView.getCString(text);
}

/** The result of a call that says -1 when it fails; errno must be read at once. */
function checked(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, lastErrno());
  return result;
}

/** Must be called right after the call that failed. */
function lastErrno(): number {
  return new Deno.UnsafePointerView(libc.__errno_location()!).getInt32();
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** For which errno execve(2) would not execute `path` for the effective user; undefined if it would. */
export function executableErrno(path: string): number | undefined {
  const [atFdcwd, xOk, atEaccess] = [-100, 1, 0x200];
  return libc.faccessat(atFdcwd, cString(path), xOk, atEaccess) === 0 ? undefined : lastErrno();
}

/** The value of an extended attribute; undefined when the file has none or is not to be asked. */
export function extendedAttribute(path: string, name: string): Uint8Array | undefined {
  const value = new Uint8Array(256);
  const length = Number(libc.getxattr(cString(path), cString(name), value, BigInt(value.length)));
  return length < 0 ? undefined : value.subarray(0, length);
}

/** Whether the file system that holds `path` is mounted nosuid. */
export function isNosuid(path: string): boolean {
  // struct statvfs on 64-bit Linux, glibc and musl: eight longs, f_fsid, then f_flag.
  const status = new BigUint64Array(32);
  checked("statvfs", libc.statvfs(cString(path), status));
  const [flagWord, stNosuid] = [9, 2n];
  return (status[flagWord] & stNosuid) !== 0n;
}

/** AT_SECURE as the kernel set it for this process; getauxval(3). */
export function isSecureExecution(): boolean {
  const atSecure = 23n;
  return libc.getauxval(atSecure) !== 0n;
}

/** The name of the errno that io_uring_setup(2) gives; undefined when there is io_uring. */
export function ioUringErrno(): string | undefined {
  // The number is alike on every architecture; struct io_uring_params has 120 bytes.
  const [ioUringSetup, entries] = [425n, 1n];
  const descriptor = Number(libc.syscall(ioUringSetup, entries, new Uint8Array(120)));
  if (descriptor < 0) return nameOfErrno(lastErrno());
  libc.close(descriptor);
  return undefined;
}

/** The soft limit of open files becomes `soft`, but never more than the hard one. */
export function lowerFileLimit(soft: bigint): void {
  const rlimitNofile = 7;
  // struct rlimit: the soft one, then the hard one.
  const limits = new BigUint64Array(2);
  checked("getrlimit", libc.getrlimit(rlimitNofile, limits));
  if (soft >= limits[0]) return;
  limits[0] = soft;
  checked("setrlimit", libc.setrlimit(rlimitNofile, limits));
}

/** The signal kills (or does whatever else is its default) again. */
export function defaultSignal(signal: Deno.Signal): void {
  // SIG_DFL, an empty mask and no flags are all zero; 256 bytes is more than any struct sigaction.
  const number = constants.signals[signal as keyof typeof constants.signals];
  checked("sigaction", libc.sigaction(number, new Uint8Array(256), null));
}

/**
 * Becomes the program at `path`: on success nothing returns.
 *
 * `words` and `environment` are bytes without a final NUL, since neither need be UTF-8.
 *
 * @throws {SystemError} when the kernel refuses.
 */
export function execve(path: string, words: Uint8Array[], environment: Uint8Array[]): never {
  const argv = new CStrings(words);
  const envp = new CStrings(environment);
  libc.execve(cString(path), argv.pointers, envp.pointers);
  throw new SystemError("execve", lastErrno());
}

/** A null-terminated array of C strings, alive as long as this object is. */
class CStrings {
  readonly strings: Uint8Array<ArrayBuffer>;
  readonly pointers: BigUint64Array<ArrayBuffer>;

  constructor(texts: readonly Uint8Array[]) {
    this.strings = new Uint8Array(texts.reduce((size, text) => size + text.length + 1, 1));
    this.pointers = new BigUint64Array(texts.length + 1);
    const base = Deno.UnsafePointer.value(Deno.UnsafePointer.of(this.strings));
    let offset = 0;
    texts.forEach((text, index) => {
      this.strings.set(text, offset);
      this.pointers[index] = BigInt(base) + BigInt(offset);
      offset += text.length + 1;
    });
  }
}

/** CLONE_NEWNET: a namespace of this kind is meant. */
const network = 0x40000000;

/** A network namespace, which lives at least as long as this is open. */
export class NetworkNamespace implements Disposable {
  readonly #descriptor: number;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** The one that this thread is in. */
  static ofThread(): NetworkNamespace {
    const [readOnly, closeOnExec] = [0, 0o2000000];
    const path = cString("/proc/thread-self/ns/net");
    return new NetworkNamespace(checked("open", libc.open(path, readOnly | closeOnExec)));
  }

  /** A name of it for other processes, while this one lives. */
  get path(): string {
    return `/proc/${Deno.pid}/fd/${this.#descriptor}`;
  }

  /**
   * Puts this thread, and what it starts from now on, into it. Deno does its network input and output
   * on the thread that runs the program.
   */
  enter(): void {
    checked("setns", libc.setns(this.#descriptor, network));
  }

  [Symbol.dispose](): void {
    libc.close(this.#descriptor);
  }
}

/** Puts this thread, and what it starts from now on, into a new network namespace. */
export function unshareNetwork(): void {
  checked("unshare", libc.unshare(network));
}

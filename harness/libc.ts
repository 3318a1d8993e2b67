// The few calls to libc that Deno has no API for.
//
// Each gives its result or the errno, and none keeps a pointer after it returned. Paths are
// strings, because Deno's own file API takes nothing else.

import { constants } from "node:os";

const library = Deno.dlopen("libc.so.6", {
  __errno_location: { parameters: [], result: "pointer" },
  close: { parameters: ["i32"], result: "i32" },
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  faccessat: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "isize" },
  ioctl: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  sigaction: { parameters: ["i32", "buffer", "pointer"], result: "i32" },
  statvfs: { parameters: ["buffer", "buffer"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  unshare: { parameters: ["i32"], result: "i32" },
});
const libc = library.symbols;

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

/** Must be called right after the call that failed. */
function lastErrno(): number {
  return new Deno.UnsafePointerView(libc.__errno_location()!).getInt32();
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** Whether execve(2) would find `path` executable for the effective user: undefined, or the errno. */
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
  if (libc.statvfs(cString(path), status) !== 0) throw new SystemError("statvfs", lastErrno());
  const [flagWord, stNosuid] = [9, 2n];
  return (status[flagWord] & stNosuid) !== 0n;
}

const rlimitNofile = 7;

/** The soft limit of open files becomes `soft`, but never more than the hard one. */
export function lowerFileLimit(soft: bigint): void {
  const limit = new BigUint64Array(2);
  if (libc.getrlimit(rlimitNofile, limit) !== 0) throw new SystemError("getrlimit", lastErrno());
  if (soft >= limit[0]) return;
  limit[0] = soft;
  if (libc.setrlimit(rlimitNofile, limit) !== 0) throw new SystemError("setrlimit", lastErrno());
}

/** The signal kills (or does whatever else is its default) again. */
export function defaultSignal(signal: Deno.Signal): void {
  // SIG_DFL, an empty mask and no flags are all zero; 256 bytes is more than any struct sigaction.
  const number = constants.signals[signal as keyof typeof constants.signals];
  if (libc.sigaction(number, new Uint8Array(256), null) !== 0) {
    throw new SystemError("sigaction", lastErrno());
  }
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

const CLONE_NEWNET = 0x40000000;

/** Whether this kernel makes sockets of a stream protocol over IPv4. */
export function hasStreamProtocol(protocol: number): boolean {
  const [inet, stream] = [2, 1];
  const socket = libc.socket(inet, stream, protocol);
  if (socket >= 0) libc.close(socket);
  return socket >= 0;
}

/** A network namespace, which lives at least as long as this is open. */
export class NetworkNamespace implements Disposable {
  readonly #descriptor: number;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** The one that this thread is in. */
  static ofThread(): NetworkNamespace {
    const [readOnly, closeOnExec] = [0, 0o2000000];
    const opened = libc.open(cString("/proc/thread-self/ns/net"), readOnly | closeOnExec);
    if (opened < 0) throw new SystemError("open", lastErrno());
    return new NetworkNamespace(opened);
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
    if (libc.setns(this.#descriptor, CLONE_NEWNET) !== 0) {
      throw new SystemError("setns", lastErrno());
    }
  }

  [Symbol.dispose](): void {
    libc.close(this.#descriptor);
  }
}

/** Puts this thread, and what it starts from now on, into a new network namespace. */
export function unshareNetwork(): void {
  if (libc.unshare(CLONE_NEWNET) !== 0) throw new SystemError("unshare", lastErrno());
}

/**
 * Brings the loopback interface of this thread's network namespace up, and gives it the IPv6
 * `addresses` (16 bytes each) besides its own. See netdevice(7).
 */
export function bringUpLoopback(addresses: readonly Uint8Array[]): void {
  const [inet, datagram, closeOnExec] = [2, 2, 0o2000000];
  const socket = libc.socket(inet, datagram | closeOnExec, 0);
  if (socket < 0) throw new SystemError("socket", lastErrno());
  try {
    const [setFlags, up] = [0x8914, 1];
    const flags = new Uint8Array(40);
    flags.set(new TextEncoder().encode("lo"));
    new Uint16Array(flags.buffer, 16)[0] = up;
    if (libc.ioctl(socket, BigInt(setFlags), flags) !== 0) {
      throw new SystemError("ioctl", lastErrno());
    }
  } finally {
    libc.close(socket);
  }
  for (const address of addresses) addLoopbackAddress(address);
}

/**
 * Adds one IPv6 address that can be bound at once: what the ioctl of netdevice(7) adds is tentative
 * until a worker of the kernel comes by. See rtnetlink(7), RTM_NEWADDR.
 */
function addLoopbackAddress(address: Uint8Array): void {
  const [netlink, raw, closeOnExec, route] = [16, 3, 0o2000000, 0];
  const socket = libc.socket(netlink, raw | closeOnExec, route);
  if (socket < 0) throw new SystemError("socket", lastErrno());
  try {
    const message = addressMessage(address);
    const sent = libc.send(socket, message, BigInt(message.length), 0);
    if (Number(sent) !== message.length) throw new SystemError("send", lastErrno());
    const answer = new Uint8Array(256);
    if (Number(libc.recv(socket, answer, BigInt(answer.length), 0)) < 20) {
      throw new SystemError("recv", lastErrno());
    }
    // struct nlmsgerr behind the header: 0, or an errno made negative.
    const errno = -new DataView(answer.buffer).getInt32(16, true);
    if (errno !== 0) throw new SystemError("RTM_NEWADDR", errno);
  } finally {
    libc.close(socket);
  }
}

/** struct nlmsghdr, struct ifaddrmsg, one struct rtattr; all fields little endian, as the machines are that Deno runs on. */
function addressMessage(address: Uint8Array): Uint8Array<ArrayBuffer> {
  const [newAddress, request, acknowledge, create] = [20, 1, 4, 0x400];
  const [inet6, prefixLength, noDuplicateDetection, loopbackIndex, local] = [10, 128, 2, 1, 2];
  const message = new Uint8Array(16 + 8 + 4 + 16);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, newAddress, true);
  view.setUint16(6, request | acknowledge | create, true);
  message.set([inet6, prefixLength, noDuplicateDetection], 16);
  view.setUint32(20, loopbackIndex, true);
  view.setUint16(24, 4 + address.length, true);
  view.setUint16(26, local, true);
  message.set(address, 28);
  return message;
}

/**
 * What the kernel answers to a netlink(7) dump request, datagram by datagram, each of whole
 * messages, up to and without the end of the dump (NLMSG_DONE). A part is valid until the next one.
 */
export function* netlinkDump(
  protocol: number,
  request: Uint8Array<ArrayBuffer>,
): Generator<Uint8Array<ArrayBuffer>> {
  const [netlink, raw, closeOnExec, done] = [16, 3, 0o2000000, 3];
  const socket = libc.socket(netlink, raw | closeOnExec, protocol);
  if (socket < 0) throw new SystemError("socket", lastErrno());
  try {
    const sent = libc.send(socket, request, BigInt(request.length), 0);
    if (Number(sent) !== request.length) throw new SystemError("send", lastErrno());
    // The kernel fills up to 32 KiB where a reader offers as much.
    const part = new Uint8Array(1 << 16);
    const view = new DataView(part.buffer);
    while (true) {
      const length = Number(libc.recv(socket, part, BigInt(part.length), 0));
      if (length < 0) throw new SystemError("recv", lastErrno());
      if (view.getUint16(4, true) === done) return;
      yield part.subarray(0, length);
    }
  } finally {
    libc.close(socket);
  }
}

//! socket(2): the moment when a socket comes into the process.
//!
//! It gets its range at once, because it may be connected by a way that passes no hook: io_uring,
//! or a UDP send, which costs nothing more for it.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "socket";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(domain: c_int, kind: c_int, protocol: c_int) callconv(.c) c_int {
    const pin = instance.get() orelse return next.call(hook, .{ domain, kind, protocol });
    const fd = next.call(hook, .{ domain, kind, protocol });
    if (fd < 0) return fd;
    const flags = sys.SOCK.NONBLOCK | sys.SOCK.CLOEXEC;
    pin.adoptNew(fd, @bitCast(domain), @as(u32, @bitCast(kind)) & ~@as(u32, flags), @bitCast(protocol));
    return fd;
}

//! recvmsg(2): a moment when sockets may come into the process, over a Unix socket (SCM_RIGHTS, unix(7)).

const arrivals = @import("../arrivals.zig");
const next = @import("../next.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "recvmsg";

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, message: ?*arrivals.Message, flags: c_int) callconv(.c) isize {
    const received = next.of(hook)(fd, message, flags);
    // The kernel has written the message: it can be read.
    if (received >= 0) arrivals.adoptFrom(message.?);
    return received;
}

pub fn direct(fd: c_int, message: ?*arrivals.Message, flags: c_int) callconv(.c) isize {
    return sys.libcResult(isize, sys.raw("recvmsg", .{ fd, message, flags }));
}

//! recvmsg(2): a moment when sockets may come into the process, over a Unix socket (SCM_RIGHTS, unix(7)).

const arrivals = @import("../arrivals.zig");
const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Message = @import("../message.zig").Message;
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "recvmsg";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, message: ?*Message, flags: c_int) callconv(.c) isize {
    const pin = instance.get();
    const received = next.call(hook, .{ fd, message, flags });
    // The kernel has written the message: it can be read.
    if (pin != null and received >= 0) arrivals.adopt(pin.?, message.?);
    return received;
}

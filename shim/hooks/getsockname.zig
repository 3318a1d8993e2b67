//! getsockname(2): the moment when a deferred bind(2) must have a port to show.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const process = @import("../process.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "getsockname";
pub const system_call = symbol;

pub fn isWanted(policy: Policy) bool {
    return policy.defer_bind;
}

/// ENOBUFS, one of the errors that getsockname(2) documents: the ports are all taken.
pub fn call(fd: c_int, name: ?*anyopaque, length: ?*c_uint) callconv(.c) c_int {
    const pin = instance.get();
    if (pin != null and !pin.?.settle(fd)) {
        process.setErrno(.NOBUFS);
        return -1;
    }
    return next.call(hook, .{ fd, name, length });
}

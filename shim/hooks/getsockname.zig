//! getsockname(2): the moment when a deferred bind(2) must have a port to show.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const process = @import("../process.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "getsockname";

pub fn isWanted(policy: Policy) bool {
    return policy.defer_bind;
}

/// ENOBUFS, one of the errors that getsockname(2) documents: the ports are all taken.
pub fn call(fd: c_int, name: ?*anyopaque, length: ?*c_uint) callconv(.c) c_int {
    if (instance.get()) |pin| {
        if (!pin.settle(fd)) {
            process.setErrno(.NOBUFS);
            return -1;
        }
    }
    return next.of(hook)(fd, name, length);
}

pub fn direct(fd: c_int, name: ?*anyopaque, length: ?*c_uint) callconv(.c) c_int {
    return sys.libcResult(c_int, sys.raw("getsockname", .{ fd, name, length }));
}

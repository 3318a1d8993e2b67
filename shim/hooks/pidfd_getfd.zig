//! pidfd_getfd(2): a moment when a socket may come into the process, from another one.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "pidfd_getfd";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(pidfd: c_int, their_fd: c_int, flags: c_uint) callconv(.c) c_int {
    const pin = instance.get();
    const fd = next.call(hook, .{ pidfd, their_fd, flags });
    if (pin != null and fd >= 0) pin.?.adoptStranger(fd);
    return fd;
}

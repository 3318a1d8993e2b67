//! pidfd_getfd(2): a moment when a socket may come into the process, from another one.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "pidfd_getfd";

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(pidfd: c_int, their_fd: c_int, flags: c_uint) callconv(.c) c_int {
    const fd = next.of(hook)(pidfd, their_fd, flags);
    const pin = instance.get() orelse return fd;
    if (fd >= 0) pin.adoptStranger(fd);
    return fd;
}

pub fn direct(pidfd: c_int, their_fd: c_int, flags: c_uint) callconv(.c) c_int {
    return sys.libcResult(c_int, sys.raw("pidfd_getfd", .{ pidfd, their_fd, flags }));
}

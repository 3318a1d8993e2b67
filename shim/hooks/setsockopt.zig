//! setsockopt(2): the guest's own use of the two options that this library lives by.

const instance = @import("../instance.zig");
const next = @import("../next.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();

pub const symbol = "setsockopt";

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, level: c_int, name: c_int, value: ?[*]const u8, length: c_uint) callconv(.c) c_int {
    if (level != sys.SOL.IP) return next.of(hook)(fd, level, name, value, length);
    const pin = instance.get() orelse return next.of(hook)(fd, level, name, value, length);
    return switch (name) {
        sys.IP.BIND_ADDRESS_NO_PORT => {
            // A bind that we deferred gets its port first: the guest thinks that it has one.
            _ = pin.settle(fd);
            const result = next.of(hook)(fd, level, name, value, length);
            // The kernel has read one byte at least, so it can be read.
            if (result == 0) pin.noteBindAddressNoPort(fd, isNonZero(value.?, length));
            return result;
        },
        sys.IP.LOCAL_PORT_RANGE => {
            const result = next.of(hook)(fd, level, name, value, length);
            if (result == 0) pin.keepRange(fd);
            return result;
        },
        else => next.of(hook)(fd, level, name, value, length),
    };
}

/// An option of level SOL_IP is an int, or a char where it is given less. ip(7)
fn isNonZero(value: [*]const u8, length: c_uint) bool {
    const bytes: usize = if (length >= @sizeOf(c_int)) @sizeOf(c_int) else 1;
    for (value[0..bytes]) |byte| if (byte != 0) return true;
    return false;
}

pub fn direct(fd: c_int, level: c_int, name: c_int, value: ?[*]const u8, length: c_uint) callconv(.c) c_int {
    return sys.libcResult(c_int, sys.raw("setsockopt", .{ fd, level, name, value, length }));
}

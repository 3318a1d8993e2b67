//! getsockname(2): the moment when a deferred bind(2) must have a port to show.

const addresses = @import("../address.zig");
const instance = @import("../instance.zig");
const next = @import("../next.zig");
const process = @import("../process.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();
const may_have_source = instance.policy.mayHaveSource();

pub const symbol = "getsockname";
pub const system_call = symbol;

pub fn isWanted(policy: Policy) bool {
    return policy.defer_bind or policy.mayHaveSource();
}

/// ENOBUFS, one of the errors that getsockname(2) documents: the ports are all taken.
pub fn call(fd: c_int, name: ?*anyopaque, length: ?*c_uint) callconv(.c) c_int {
    const pin = instance.get();
    if (pin != null and !pin.?.settle(fd)) {
        process.setErrno(.NOBUFS);
        return -1;
    }
    const result = next.call(hook, .{ fd, name, length });
    if (may_have_source and result == 0 and pin != null) hideSource(pin.?, fd, name, length.?.*);
    return result;
}

/// A connect that failed leaves its socket bound to the source, and the guest knows of no bind.
fn hideSource(pin: anytype, fd: c_int, name: ?*anyopaque, length: c_uint) void {
    const written: [*]u8 = @ptrCast(name orelse return);
    const shown = addresses.copyWritten(written, length) orelse return;
    if (!pin.isNameOurs(fd, &shown)) return;
    const start: usize, const end: usize = if (shown.bytes.family == sys.AF.INET) .{ 4, 8 } else .{ 8, 24 };
    @memset(written[start..end], 0);
}

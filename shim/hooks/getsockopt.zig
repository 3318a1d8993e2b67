//! getsockopt(2): what the guest did not set reads as if nobody had.
//!
//! IP_BIND_ADDRESS_NO_PORT and SO_REUSEADDR are told apart socket by socket. IP_LOCAL_PORT_RANGE reads as 0 in a
//! process that never sets it; in one that does, it reads as the range in force.

const std = @import("std");
const instance = @import("../instance.zig");
const kernel = @import("../engines/kernel.zig");
const next = @import("../next.zig");
const process = @import("../process.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");

const hook = @This();
const may_emulate = instance.policy.mayEmulate();
const may_share = instance.policy.mayShare();

pub const symbol = "getsockopt";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, level: c_int, name: c_int, value: ?[*]u8, length: ?*c_uint) callconv(.c) c_int {
    const pin = instance.get();
    if (may_share and pin != null and !pin.?.vacate(fd, level, name)) {
        process.setErrno(.NOBUFS);
        return -1;
    }
    const before = if (may_emulate) process.errno() else {};
    const result = next.call(hook, .{ fd, level, name, value, length });
    const is_late_bind = level == sys.SOL.IP and name == sys.IP.BIND_ADDRESS_NO_PORT;
    const is_range = level == sys.SOL.IP and name == sys.IP.LOCAL_PORT_RANGE;
    if (may_emulate and result != 0 and (is_range or is_late_bind) and pin != null and kernel.isLacking(process.errno())) {
        const emulated = (if (is_range) pin.?.emulateGetRange(fd) else pin.?.emulateGetLateBind(fd)) orelse return result;
        process.setErrno(before);
        return give(fd, emulated, value, length);
    }
    if (result != 0 or pin == null) return result;
    const is_reuse = level == sys.SOL.SOCKET and name == sys.SO.REUSEADDR;
    const is_ours = (is_late_bind and pin.?.isDeferredByUs(fd)) or
        (may_emulate and is_reuse and pin.?.isSharedByUs(fd)) or
        (is_range and pin.?.isRangeOurs(fd));
    // The kernel has written `length.*` bytes, so they can be written.
    if (is_ours) @memset(value.?[0..length.?.*], 0);
    if (may_share and level == sys.SOL.SOCKET and pin.?.isSharing(fd, @bitCast(name))) @memset(value.?[0..length.?.*], 0);
    return result;
}

/// Another option of the same size goes into the guest's memory first: so the kernel judges the pointers and
/// the length. ip_getsockopt() gives one byte where less than an int is asked for and the value fits.
fn give(fd: c_int, emulated: u32, value: ?[*]u8, length: ?*c_uint) c_int {
    const result = next.call(hook, .{ fd, sys.SOL.SOCKET, sys.SO.TYPE, value, length });
    if (result != 0 or length.?.* == 0) return result;
    if (length.?.* < @sizeOf(u32) and emulated <= 255) length.?.* = 1;
    const bytes: [@sizeOf(u32)]u8 = @bitCast(if (length.?.* == 1) std.mem.nativeToLittle(u32, emulated) else emulated);
    @memcpy(value.?[0..length.?.*], bytes[0..length.?.*]);
    return 0;
}

//! setsockopt(2): the guest's own use of the options that this library lives by.

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
const may_have_source = instance.policy.mayHaveSource();

pub const symbol = "setsockopt";
pub const system_call = symbol;

pub fn isWanted(_: Policy) bool {
    return true;
}

pub fn call(fd: c_int, level: c_int, name: c_int, value: ?[*]const u8, length: c_uint) callconv(.c) c_int {
    const pin = instance.get();
    const is_late_bind = level == sys.SOL.IP and name == sys.IP.BIND_ADDRESS_NO_PORT;
    const is_reuse = level == sys.SOL.SOCKET and name == sys.SO.REUSEADDR;
    const is_range = level == sys.SOL.IP and name == sys.IP.LOCAL_PORT_RANGE;
    // A bind that we deferred gets its port first: the guest thinks that it has one.
    if (is_late_bind and pin != null) _ = pin.?.settle(fd);
    if (may_share and pin != null and !pin.?.vacate(fd, level, name)) {
        process.setErrno(.NOBUFS);
        return -1;
    }
    const before = if (may_emulate) process.errno() else {};
    const result = next.call(hook, .{ fd, level, name, value, length });
    if (may_emulate and result != 0 and (is_range or is_late_bind) and pin != null and kernel.isLacking(process.errno())) {
        const errno = (if (is_range)
            pin.?.emulateSetRange(fd, value, length)
        else
            pin.?.emulateSetLateBind(fd, value, length)) orelse return result;
        process.setErrno(if (errno == .SUCCESS) before else errno);
        return if (errno == .SUCCESS) 0 else -1;
    }
    if (result != 0 or pin == null) return result;
    if (may_have_source and level == sys.SOL.IPV6 and name == sys.IPV6_PKTINFO) pin.?.guest_sets_source.store(true, .monotonic);
    if (is_range) pin.?.keepRange(fd);
    // The kernel has read what is read here, and no more.
    if (may_share and is_reuse) pin.?.noteReuseAddress(fd, isNonZero(value, length));
    if (is_late_bind) pin.?.noteBindAddressNoPort(fd, isNonZero(value, length));
    return result;
}

/// An option of level SOL_IP is an int, or a char where it is given less, or 0 where nothing. ip(7)
fn isNonZero(value: ?[*]const u8, length: c_uint) bool {
    if (length == 0) return false;
    const bytes = value.?;
    return if (length < @sizeOf(u32)) bytes[0] != 0 else std.mem.readInt(u32, bytes[0..4], .native) != 0;
}

//! The guest's own use of the options that we live by: IP_LOCAL_PORT_RANGE, IP_BIND_ADDRESS_NO_PORT, SO_REUSEADDR.
//!
//! Rule: what the guest sets is its own, and it reads what it set. Which of the two has set an option is asked of the
//! socket, and only where this process may hold one of ours.

const std = @import("std");
const address = @import("../address.zig");
const at_source = @import("at_source.zig");
const by_emulation = @import("by_emulation.zig");
const by_kernel = @import("by_kernel.zig");
const deferral = @import("../deferral.zig");
const kernel = @import("../engines/kernel.zig");
const late_bind = @import("../late_bind.zig");
const reuse = @import("../reuse.zig");
const sys = @import("../system.zig");
const transport = @import("../transport.zig");
const udp_share = @import("../engines/udp_share.zig");

/// The guest has set IP_LOCAL_PORT_RANGE: its choice stands where it lies inside the ports.
pub fn keepRange(pin: anytype, fd: i32) void {
    pin.guest_sets_ranges.store(true, .monotonic);
    if (by_kernel.givesRange(pin)) _ = kernel.keep(pin.system, &pin.settings.own.ports, &pin.random, fd);
}

/// Whether the range of `fd` is one that the guest knows nothing of.
pub fn isRangeOurs(pin: anytype, fd: i32) bool {
    if (pin.guest_sets_ranges.load(.monotonic)) return false;
    return kernel.current(pin.system, &pin.settings.own.ports, fd) != null;
}

/// IP_LOCAL_PORT_RANGE on a kernel that lacks it, as Linux 6.12 has it: the errno of the guest's call; null
/// where it fails as ever.
pub fn emulateSetRange(pin: anytype, fd: i32, value: ?*const anyopaque, length: c_uint) ?sys.E {
    if (!isEmulated(pin, fd)) return null;
    if (length != @sizeOf(u32)) return .INVAL;
    if (!address.canRead(pin.system, value, length)) return .FAULT;
    const bytes: *const [@sizeOf(u32)]u8 = @ptrCast(value.?);
    const range = kernel.unpack(std.mem.readInt(u32, bytes, .native));
    if (range.low != 0 and range.high != 0 and range.low > range.high) return .INVAL;
    if (!pin.remembered.remember(pin.system, fd, kernel.pack(range))) return null;
    pin.guest_sets_ranges.store(true, .monotonic);
    return .SUCCESS;
}

/// What the option reads as there; null where it fails as ever.
pub fn emulateGetRange(pin: anytype, fd: i32) ?u32 {
    return if (isEmulated(pin, fd)) pin.remembered.recall(pin.system, fd) else null;
}

/// The guest has set or cleared IP_BIND_ADDRESS_NO_PORT.
pub fn noteBindAddressNoPort(pin: anytype, fd: i32, asked: bool) void {
    if (pin.may.force_source) pin.guest_defers.store(true, .monotonic);
    if (pin.may.force_source) pin.may_hold_bound.store(true, .monotonic);
    if (pin.settings.defer_bind) deferral.note(pin.system, fd, asked);
}

/// Whether the option is on by us, so that the guest must read 0.
pub fn isDeferredByUs(pin: anytype, fd: i32) bool {
    if (!pin.may_hold_deferred.load(.monotonic)) return false;
    if (deferral.isOurs(pin.system, fd)) return true;
    // A UDP socket has no room for a mark: there it is ours unless the guest uses the option itself.
    if (!pin.may.force_source or !at_source.mayForce(pin) or pin.guest_defers.load(.monotonic)) return false;
    return transport.isUdp(pin.system, fd);
}

/// getsockname has answered: a source that a failed connect left behind is not the guest's. The port that
/// it had shows still.
pub fn isNameOurs(pin: anytype, fd: i32, name: *const sys.Name) bool {
    if (!at_source.mayForce(pin) or !name.isInternet() or !at_source.isOne(pin, name)) return false;
    if (name.port() != 0 and !(transport.isClosedTcp(pin.system, fd) and isDeferredByUs(pin, fd))) return false;
    return deferral.isAddressOurs(pin.system, fd);
}

/// IP_BIND_ADDRESS_NO_PORT on a kernel that lacks it, as Linux 6.12 has it: the errno of the guest's call;
/// null where it fails as ever.
pub fn emulateSetLateBind(pin: anytype, fd: i32, value: ?*const anyopaque, length: c_uint) ?sys.E {
    if (!isEmulated(pin, fd)) return null;
    if (length > std.math.maxInt(c_int)) return .INVAL;
    // An int, or a char where it is given less, or 0 where nothing. ip(7)
    const count: usize = if (length >= @sizeOf(c_int)) @sizeOf(c_int) else @min(length, 1);
    if (count > 0 and !address.canRead(pin.system, value, count)) return .FAULT;
    const asked = count > 0 and !std.mem.allEqual(u8, @as([*]const u8, @ptrCast(value.?))[0..count], 0);
    return if (late_bind.ask(pin.system, fd, asked)) .SUCCESS else null;
}

/// What the option reads as there; null where it fails as ever.
pub fn emulateGetLateBind(pin: anytype, fd: i32) ?u32 {
    if (!isEmulated(pin, fd)) return null;
    return @intFromBool(late_bind.isAsked(pin.system, fd) orelse return null);
}

/// Whether options that this kernel lacks are emulated for `fd`.
fn isEmulated(pin: anytype, fd: i32) bool {
    return by_emulation.isAllowed(pin) and transport.isPinnable(pin.system, fd);
}

/// The guest has set SO_REUSEADDR.
pub fn noteReuseAddress(pin: anytype, fd: i32, on: bool) void {
    if (isSharedByUs(pin, fd)) reuse.noteHidden(pin.system, fd, on);
    if (!pin.policy.udp_share or !pin.may_hold_shared.load(.monotonic)) return;
    if (udp_share.isShared(pin.system, fd)) udp_share.noteReuseAddress(pin.system, fd, on);
}

/// Whether SO_REUSEADDR of a TCP socket is on by us.
pub fn isSharedByUs(pin: anytype, fd: i32) bool {
    return pin.may.emulate and pin.may_hold_shared.load(.monotonic) and reuse.isHidden(pin.system, fd);
}

/// Whether an option of level SOL_SOCKET is on because connected UDP sockets share ports.
pub fn isSharing(pin: anytype, fd: i32, name: u32) bool {
    return pin.policy.udp_share and pin.may_hold_shared.load(.monotonic) and udp_share.isOurs(pin.system, fd, name);
}

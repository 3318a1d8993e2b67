//! A bind(2) that was deferred is carried out, because the guest is about to see what it left open.
//!
//! Rule: in our own name, and through the front door: what is decided for the guest's calls is decided for this one.

const at_source = @import("at_source.zig");
const by_sharing = @import("by_sharing.zig");
const deferral = @import("../deferral.zig");
const socket = @import("socket.zig");
const sys = @import("../system.zig");
const Call = @import("../call.zig").Call;

/// getsockname(2) may show a port only if there is one: gives a socket whose bind was deferred its
/// port now. False where the ports are all taken.
pub fn settle(pin: anytype, fd: i32) bool {
    if (socket.pending(pin, fd)) |waiting| return !waiting.is_ours or settleAt(pin, fd, &waiting.name);
    if (!pin.may_hold_deferred.load(.monotonic)) return true;
    const name = deferral.pending(pin.system, fd) orelse return true;
    if (pin.may.force_source and at_source.isOurs(pin, fd, &name)) return true;
    const end = if (pin.may.force_source and name.isWildcard()) at_source.forServer(pin, fd, &name) else null;
    return settleAt(pin, fd, if (end) |*source_end| source_end else &name);
}

/// The guest is to use a socket's filter, where an address may wait, or which may be ours: so it goes. False
/// where the ports are all taken.
pub fn vacate(pin: anytype, fd: i32, level: c_int, name: c_int) bool {
    if (level != sys.SOL.SOCKET) return true;
    switch (name) {
        sys.SO.ATTACH_FILTER, sys.SO.DETACH_FILTER, sys.SO.LOCK_FILTER, sys.SO.ATTACH_BPF => {},
        else => return true,
    }
    if (pin.policy.udp_share) _ = by_sharing.end(pin, fd);
    if (!pin.may.emulate) return true;
    const waiting = socket.pending(pin, fd) orelse return true;
    return settleAt(pin, fd, &waiting.name);
}

/// What getsockname(2) must show in place of the wildcard: the guest has asked for a late bind.
pub fn shownName(pin: anytype, fd: i32) ?sys.Name {
    const waiting = socket.pending(pin, fd) orelse return null;
    return if (waiting.is_ours) null else waiting.name;
}

fn settleAt(pin: anytype, fd: i32, name: *const sys.Name) bool {
    const before = pin.system.errno();
    defer pin.system.setErrno(before);
    const Own = Settling(@TypeOf(pin.system));
    var settling: Own = .{ .system = pin.system, .name = name, .call = .{ .fd = fd, .moment = .settle, .run = Own.run } };
    return pin.choose(&settling.call) == 0;
}

fn Settling(comptime System: type) type {
    return struct {
        system: System,
        name: *const sys.Name,
        call: Call,

        fn run(call: *const Call) isize {
            const settling: *const @This() = @alignCast(@fieldParentPtr("call", call));
            const errno = deferral.settle(settling.system, call.fd, settling.name);
            if (errno == .SUCCESS) return 0;
            settling.system.setErrno(errno);
            return -1;
        }
    };
}

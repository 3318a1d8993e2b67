//! What is asked of a call's socket by whoever would give it a port.
//!
//! Rule: the kernel is asked, and only where this process may hold such a socket.

const kernel = @import("../engines/kernel.zig");
const late_bind = @import("../late_bind.zig");
const transport = @import("../transport.zig");
const Call = @import("../call.zig").Call;
const Ports = @import("../Ports.zig");

/// Whether it has its port already, or is none that gets one.
pub fn isBound(pin: anytype, fd: i32) bool {
    const name = pin.system.getName(fd) orelse return true;
    return !name.isInternet() or name.port() != 0;
}

/// Whether a call finds its socket with a port that it will keep.
pub fn isTaken(pin: anytype, call: *const Call) bool {
    return isBound(pin, call.fd) and !releases(pin, call);
}

/// A send without a destination fails, and leaves an unbound UDP socket with whatever port the kernel chose: a
/// connect comes without it. What the guest bound itself stays. Only where the kernel lacks the range, so that a
/// library for the kernel engine alone, and a kernel that has it, needs none of this.
pub fn releases(pin: anytype, call: *const Call) bool {
    if (!pin.may.emulate or call.moment != .connect or !transport.isUdp(pin.system, call.fd)) return false;
    const name = pin.system.getName(call.fd) orelse return false;
    // A disconnect would take SO_BINDTODEVICE away.
    if (pin.settings.own.ports.has(name.port()) or transport.isOnOneInterface(pin.system, call.fd)) return false;
    pin.system.disconnect(call.fd);
    return !isBound(pin, call.fd);
}

/// The bind(2) that waits in the socket on a kernel that cannot defer one.
pub fn pending(pin: anytype, fd: i32) ?late_bind.Pending {
    if (!pin.may.emulate or !pin.may_hold_pending.load(.monotonic)) return null;
    const waiting = late_bind.pending(pin.system, fd) orelse return null;
    // What has a port all the same was bound behind our back.
    return if (isBound(pin, fd)) null else waiting;
}

/// The ports, or as many of them as the guest's own choice for this socket leaves.
pub fn portsOf(pin: anytype, fd: i32, all: *const Ports) Ports {
    if (pin.guest_sets_ranges.load(.monotonic)) {
        const own = kernel.rangeOf(pin.system, fd) orelse kernel.unpack(pin.remembered.recall(pin.system, fd));
        if (all.holds(own)) return .one(own);
    }
    return all.*;
}

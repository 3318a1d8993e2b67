//! The kernel keeps the ports: the socket has one of the ranges, and the guest's call is run until one of them has
//! room.
//!
//! Rule: as few questions as can be. Whether the kernel would honour the ports at all, the namespace's range says,
//! which is looked at once a second; a send does not even look at the clock.

const kernel = @import("../engines/kernel.zig");
const socket = @import("socket.zig");
const to_log = @import("to_log.zig");
const Call = @import("../call.zig").Call;
const Ports = @import("../Ports.zig");

/// How old what we know of the namespace's range may be.
const Age = enum { this_second, any };

/// Whether the kernel would honour the ports, as far as can be said without asking a socket.
pub fn mayKeep(pin: anytype, ports: *const Ports, age: Age) bool {
    if (pin.may.look_further and ports.count == 0) return true;
    if (pin.settings.engine == .emulation or pin.lacks_option.load(.monotonic)) return false;
    const known = if (age == .any) pin.namespace_range.known() else null;
    return ports.liesInside(known orelse pin.namespace_range.get(pin.system) orelse return false);
}

/// Whether there is a range to give to every socket.
pub inline fn givesRange(pin: anytype) bool {
    const ports = &pin.settings.own.ports;
    if (pin.may.look_further and ports.count == 0) return false;
    return mayKeep(pin, ports, .this_second);
}

/// Runs `call`, and while it fails because a range is full, again with the next one, until
/// all were tried. A range that the guest has narrowed itself is not exchanged.
pub fn run(pin: anytype, ports: *const Ports, call: *const Call) isize {
    const before = pin.system.errno();
    to_log.noteTry(pin, call);
    var result = call.run(call);
    if (result != -1 or ports.count <= 1 or !isFull(pin, call)) return result;
    const first = kernel.current(pin.system, ports, call.fd) orelse return result;
    for (1..ports.count) |step| {
        const index = (first + step) % ports.count;
        if (kernel.setIndex(pin.system, ports, index, call.fd) != .ready) return result;
        to_log.noteTry(pin, call);
        result = call.run(call);
        if (result != -1) pin.system.setErrno(before);
        if (result != -1 or !isFull(pin, call)) return result;
    }
    return result;
}

/// Whether the call has just failed because the range is full: TCP's connect says EADDRNOTAVAIL,
/// bind and listen EADDRINUSE, UDP EAGAIN. Each may mean something else on a socket that has a port.
fn isFull(pin: anytype, call: *const Call) bool {
    switch (pin.system.errno()) {
        .ADDRNOTAVAIL, .AGAIN => if (call.moment == .bind) return false,
        // EADDRINUSE says that the kernel has read the address.
        .ADDRINUSE => if (call.moment == .bind and !call.asksForPort()) return false,
        else => return false,
    }
    return !socket.isBound(pin, call.fd);
}

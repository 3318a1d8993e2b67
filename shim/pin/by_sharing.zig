//! Connected UDP sockets share the ports, by either engine.
//!
//! Rule: only a port that we gave to a socket is shared. Where no 4-tuple can be looked up, the socket gets a port for
//! itself.

const at_source = @import("at_source.zig");
const by_emulation = @import("by_emulation.zig");
const deferral = @import("../deferral.zig");
const emulation = @import("../engines/emulation.zig");
const peer_filter = @import("../peer_filter.zig");
const socket = @import("socket.zig");
const sys = @import("../system.zig");
const to_log = @import("to_log.zig");
const transport = @import("../transport.zig");
const udp_share = @import("../engines/udp_share.zig");
const Call = @import("../call.zig").Call;
const Ports = @import("../Ports.zig");

/// A UDP connect, whose port other flows may have too. Null: nothing that is shared.
pub fn run(pin: anytype, all: *const Ports, call: *const Call, from: ?*const deferral.Reading) ?isize {
    if (!transport.isPlainUdp(pin.system, call.fd)) return null;
    const is_shared = end(pin, call.fd);
    const destination = call.destination(pin.system) orelse return null;
    if (all.count == 0 or destination.port() == 0) return null;
    var name = pin.system.getName(call.fd) orelse return null;
    to_log.note(pin, call, .share, all);
    if (name.port() != 0) return if (is_shared) runAgain(pin, call, from, &name, &destination) else null;
    at_source.aim(pin, call.fd, &name, if (from) |reading| &reading.name.? else null);
    pin.reserved.refresh(pin.system);
    const ports = socket.portsOf(pin, call.fd, all);
    const scope = by_emulation.scopeOf(pin, call, &ports);
    pin.may_hold_shared.store(true, .monotonic);
    const answer = udp_share.connect(pin.system, scope, &pin.sight, call.fd, &name, &destination) orelse
        emulation.bind(pin.system, scope, call.fd, &name);
    // A sandbox that forbids bind(2): the kernel may keep the ports all the same.
    if (answer == .forbidden) return null;
    undoBegun(pin, call.fd, from);
    return by_emulation.finish(pin, call, .AGAIN, answer);
}

/// The same for a socket that shares its port already.
fn runAgain(pin: anytype, call: *const Call, from: ?*const deferral.Reading, name: *const sys.Name, destination: *const sys.Name) isize {
    undoBegun(pin, call.fd, from);
    const errno = udp_share.connectAgain(pin.system, &pin.sight, call.fd, name, destination);
    return if (errno == .SUCCESS) call.run(call) else pin.fail(errno);
}

/// A port of ours is bound at once, never late.
fn undoBegun(pin: anytype, fd: i32, from: ?*const deferral.Reading) void {
    const reading = from orelse return;
    if (reading.begun) deferral.undo(pin.system, fd);
}

/// A socket that shares its port connects to another peer, or to none: it hears everybody. Whether it is one.
pub fn end(pin: anytype, fd: i32) bool {
    if (!udp_share.isShared(pin.system, fd)) return false;
    peer_filter.remove(pin.system, fd);
    return true;
}

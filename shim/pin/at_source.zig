//! Sockets at the source: who is bound there, and which of them we have bound.
//!
//! Rule: an address that the guest has bound stays. Ours leaves the port to the kernel, or keeps the one that the
//! kernel chose before.

const deferral = @import("../deferral.zig");
const kernel = @import("../engines/kernel.zig");
const socket = @import("socket.zig");
const source = @import("../source.zig");
const sys = @import("../system.zig");
const transport = @import("../transport.zig");
const unkept = @import("unkept.zig");
const Call = @import("../call.zig").Call;

/// Whether the policy and the environment may name a source for anything.
pub fn mayForce(pin: anytype) bool {
    return pin.may.force_source and (pin.may.have_rules or !pin.settings.own.source.isNone());
}

/// Binds a socket without a port to its source, port 0, and leaves one alone that the guest has bound. Not
/// SUCCESS: what the guest's call fails with.
pub fn bind(pin: anytype, call: *const Call, from: *const deferral.Reading) sys.E {
    if (call.moment == .settle) return .SUCCESS; // It binds in its own way.
    if (!from.begun) {
        const name = pin.system.getName(call.fd) orelse return .SUCCESS;
        if (name.port() != 0) return rebindDatagrams(pin, call, &name, &from.name.?);
        if (!isOpen(pin, call.fd, &name)) return .SUCCESS;
        _ = deferral.begin(pin.system, call.fd);
    }
    const errno = pin.system.bind(call.fd, &from.name.?);
    if (errno == .SUCCESS) {
        pin.may_hold_deferred.store(true, .monotonic);
        return .SUCCESS;
    }
    deferral.undo(pin.system, call.fd);
    if (errno != .INVAL) return unkept.errnoOfSource(pin);
    // It has a port already; or it is IPv6 alone and cannot take an IPv4 source, as connect will say.
    const name = pin.system.getName(call.fd) orelse return .SUCCESS;
    return rebindDatagrams(pin, call, &name, &from.name.?);
}

/// A UDP socket at connect(2) that got its port before, by bind(2) to the wildcard and port 0 or by a send:
/// the kernel chose the port, so a disconnect gives it back, and the same is bound again at the source. One
/// that the guest chose stays.
fn rebindDatagrams(pin: anytype, call: *const Call, name: *const sys.Name, from: *const sys.Name) sys.E {
    if (call.moment != .connect or name.port() == 0 or !name.isWildcard()) return .SUCCESS;
    // A disconnect would take SO_BINDTODEVICE away.
    if (!transport.isUdp(pin.system, call.fd) or transport.isOnOneInterface(pin.system, call.fd)) return .SUCCESS;
    if (!pin.system.isLocal(from)) return unkept.errnoOfSource(pin);
    pin.system.disconnect(call.fd);
    const now = pin.system.getName(call.fd) orelse return .SUCCESS;
    if (now.port() != 0) return .SUCCESS;
    // Somebody may have taken the port meanwhile: then any other.
    const is_bound = bindAt(pin, call.fd, from, name.port()) or pin.system.bind(call.fd, from) == .SUCCESS;
    return if (is_bound) .SUCCESS else .ADDRNOTAVAIL;
}

/// Binds to a port that the kernel itself chooses from a range of one, so that the next disconnect gives it
/// back again; where there is no such option, for good.
fn bindAt(pin: anytype, fd: i32, from: *const sys.Name, port: u16) bool {
    const range = kernel.rangeOf(pin.system, fd) orelse {
        var end = from.*;
        end.setPort(port);
        return pin.system.bind(fd, &end) == .SUCCESS;
    };
    kernel.setRange(pin.system, fd, .{ .low = port, .high = port });
    defer kernel.setRange(pin.system, fd, range);
    return pin.system.bind(fd, from) == .SUCCESS;
}

/// `name`, the address of a socket without a port, becomes the one that a port is searched for at: what waits in the
/// socket, or `from` where the guest has bound it to nothing.
pub fn aim(pin: anytype, fd: i32, name: *sys.Name, from: ?*const sys.Name) void {
    if (socket.pending(pin, fd)) |waiting| name.* = waiting.name;
    const end = from orelse return;
    if (isOpen(pin, fd, name)) name.* = end.*;
}

/// Whether a socket without a port is free to get a source: bound to no address, or only by us.
fn isOpen(pin: anytype, fd: i32, name: *const sys.Name) bool {
    return name.isWildcard() or isOurs(pin, fd, name);
}

/// Whether it was us who bound a socket without a port to this address: also a connect that failed leaves it
/// so, and the guest knows of no bind.
pub fn isOurs(pin: anytype, fd: i32, name: *const sys.Name) bool {
    if (!pin.may.force_source or !name.isInternet() or name.port() != 0) return false;
    return isOne(pin, name) and deferral.isAddressOurs(pin.system, fd);
}

/// Whether an address is a source of the policy's own or of one of its rules.
pub fn isOne(pin: anytype, name: *const sys.Name) bool {
    if (source.isAt(pin.settings.own.source, name)) return true;
    for (&pin.settings.rules) |*each| if (each.*) |*choice| {
        if (source.isAt(choice.source, name)) return true;
    };
    return false;
}

/// What a socket that is about to listen, or must show its port, is to be bound to; null: it is bound
/// already, or to be bound as it is.
pub fn serverEnd(pin: anytype, fd: i32) ?sys.Name {
    const name = pin.system.getName(fd) orelse return null;
    if (!name.isInternet() or name.port() != 0) return null;
    const is_ours = isOurs(pin, fd, &name);
    if (!is_ours and !name.isWildcard()) return null;
    const wildcard: sys.Name = if (name.bytes.family == sys.AF.INET) .ofIpv4(sys.AF.INET, @splat(0)) else .ofIpv6(@splat(0));
    return forServer(pin, fd, &wildcard) orelse if (is_ours) wildcard else null;
}

/// The source in the wildcard's place, where the policy says so for servers.
pub fn forServer(pin: anytype, fd: i32, wildcard: *const sys.Name) ?sys.Name {
    if (pin.policy.listen == .keep) return null;
    const own = pin.settings.own.source;
    const asks = wildcard.bytes.family == sys.AF.INET6 and own.ipv6 == null;
    const is_v6_only = asks and sys.isOn(pin.system, fd, sys.SOL.IPV6, sys.IPV6_V6ONLY);
    return source.forServer(own, wildcard, is_v6_only);
}

//! The `emulation` engine: a port search in user space, for a kernel that lacks IP_LOCAL_PORT_RANGE or
//! would ignore the range.
//!
//! Rule: an explicitly bound port can never be released, so every port is tried by bind(2) before
//! anything else happens to the socket, and connect(2) runs exactly once.
//!
//! A TCP connect first tries a few random ports *exclusively*: SO_REUSEADDR is off, so after
//! success nobody else has the port and connect cannot collide. After connect it is on, and stays
//! on: from then on the port can be joined (resetting it would lock the port again, from Linux 6.12 on).
//! When the few are busy, every port is looked at once, in an order of its own: one whose 4-tuple is
//! free, as an exact sock_diag(7) look-up says, is *joined* with SO_REUSEADDR on. What remains is a
//! race of two processes for one 4-tuple, whose loser gets EADDRNOTAVAIL from connect.

const std = @import("std");
const order = @import("../order.zig");
const reuse = @import("../reuse.zig");
const sys = @import("../system.zig");
const Transport = @import("../Policy.zig").Transport;
const Ports = @import("../Ports.zig");
const Reserved = @import("../Reserved.zig");
const Random = @import("../random.zig").Random;

/// So many ports are tried exclusively before all are looked at: with nine of ten ports busy, one of
/// them is free with a probability of 97 %, and a failing bind(2) costs a third of a look-up.
const exclusive_tries = 32;

/// The default of `ip_unprivileged_port_start`: bind(2) of a lower port may be forbidden for itself.
const unprivileged_ports = 1024;

pub const Answer = union(enum) {
    /// The socket has one of the ports.
    bound,
    /// All ports are taken.
    full,
    /// A sandbox forbids bind(2): EACCES or EPERM.
    forbidden,
    /// bind(2) fails for a reason that is no port's.
    failed: sys.E,
};

/// What a search looks at besides the socket.
pub const Scope = struct {
    ports: *const Ports,
    reserved: *const Reserved,
    random: *Random,
    /// Counts the ports that bind(2) was asked for.
    tries: ?*u32 = null,
};

/// Gives a socket without a port one of the ports, for itself alone, on `name`'s address.
pub fn bind(system: anytype, scope: Scope, fd: i32, name: *sys.Name) Answer {
    const guests = reuse.takeAway(system, fd);
    defer reuse.giveBack(system, fd, guests);
    return tryExclusive(system, scope, fd, name, scope.ports.size(), no_port);
}

/// Gives a TCP socket without a port one that makes a free 4-tuple with `destination`. Where it
/// answers `bound`, connect(2) comes next and then `afterConnect`.
pub fn bindFor(system: anytype, scope: Scope, fd: i32, name: *sys.Name, destination: *const sys.Name, guests: *reuse.Options) Answer {
    guests.* = reuse.takeAway(system, fd);
    // On one address the destination's own port would connect the socket to itself.
    const avoided = if (scope.ports.has(destination.port())) destination.port() else no_port;
    var answer = tryExclusive(system, scope, fd, name, exclusive_tries, avoided);
    if (answer == .full) {
        reuse.share(system, fd);
        answer = join(system, scope, fd, name, destination);
        if (answer != .bound) reuse.lock(system, fd);
    }
    if (answer != .bound) reuse.giveBack(system, fd, guests.*);
    return answer;
}

pub fn afterConnect(system: anytype, fd: i32, guests: reuse.Options) void {
    reuse.share(system, fd);
    reuse.hide(system, fd, guests);
}

/// What bind(2) would say to `name`'s address on a socket without a port: `full` where it has no fault to find.
/// Null where that cannot be told.
///
/// A port is made busy first, by a socket of our own: so the kernel, who alone can judge an address, refuses nothing
/// but that port. Should it take the port nevertheless (the busy one is gone, or counts in another network
/// namespace), then the socket is bound, and to one of the ports.
pub fn probe(system: anytype, scope: Scope, fd: i32, kind: Transport, name: *sys.Name) ?Answer {
    const family = (system.getName(fd) orelse return null).bytes.family;
    const helper = system.open(family, if (kind == .tcp) sys.SOCK.STREAM else sys.SOCK.DGRAM) orelse return null;
    defer system.close(helper);
    // Others may go on to join TCP ports. Of UDP ports that would take datagrams away.
    if (kind == .tcp) reuse.share(system, helper);
    name.setPort(no_port);
    switch (tryExclusive(system, scope, helper, name, exclusive_tries, no_port)) {
        // Busy by ourselves, or by others.
        .bound, .full => if (name.port() == no_port) return null,
        .forbidden, .failed => return null,
    }
    const guests = reuse.takeAway(system, fd);
    defer reuse.giveBack(system, fd, guests);
    return tryPort(system, scope, fd, name, name.port()) orelse .full;
}

const no_port = 0;

fn tryExclusive(system: anytype, scope: Scope, fd: i32, name: *sys.Name, tries: u32, avoided: u16) Answer {
    var ports: order.Shuffled = .init(scope.ports, scope.random);
    for (0..@min(tries, scope.ports.size())) |_| {
        const port = ports.next();
        if (port == avoided or scope.reserved.has(port)) continue;
        if (tryPort(system, scope, fd, name, port)) |answer| return answer;
    }
    return .full;
}

/// Looks at every port once: first for a 4-tuple that is free, then for one in TIME_WAIT, which an
/// explicit port may take over where the kernel finds it old enough.
fn join(system: anytype, scope: Scope, fd: i32, name: *sys.Name, destination: *const sys.Name) Answer {
    var ends: sys.Ends = system.route(destination) orelse .{ .source = name.*, .destination = destination.* };
    if (!name.isWildcard()) ends.source = name.*;
    const is_own_address = ends.source.hasSameAddress(&ends.destination);

    var diagnosis = system.openDiagnosis();
    defer diagnosis.close();
    var waiting: u16 = no_port;
    var ports: order.Shuffled = .init(scope.ports, scope.random);
    for (0..scope.ports.size()) |_| {
        const port = ports.next();
        if (scope.reserved.has(port) or (is_own_address and port == ends.destination.port())) continue;
        switch (diagnosis.look(&ends.source, port, &ends.destination)) {
            .free => if (tryPort(system, scope, fd, name, port)) |answer| return answer,
            .waiting => waiting = port,
            .taken => {},
        }
    }
    if (waiting == no_port) return .full;
    return tryPort(system, scope, fd, name, waiting) orelse .full;
}

/// Null: the port is busy.
pub fn tryPort(system: anytype, scope: Scope, fd: i32, name: *sys.Name, port: u16) ?Answer {
    name.setPort(port);
    if (scope.tries) |tries| tries.* += 1;
    return switch (system.bind(fd, name)) {
        .SUCCESS => .bound,
        .ADDRINUSE => null,
        // The port alone is forbidden, to whoever lacks CAP_NET_BIND_SERVICE: busy for this socket. ip(7)
        .ACCES => if (port < unprivileged_ports) null else .forbidden,
        .PERM => .forbidden,
        else => |errno| .{ .failed = errno },
    };
}

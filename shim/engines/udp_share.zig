//! Connected UDP sockets share source ports as long as their 4-tuples differ, which the kernel alone never does:
//! N ports to D destinations are N × D flows.
//!
//! Rule: whoever takes a 4-tuple has the port's lock when it looks whether the 4-tuple is free, and keeps the lock
//! until it is taken. The lock is the kernel's: a socket binds with SO_REUSEADDR on and switches it off, and nobody
//! else can bind any more. Of several that have bound before that, a look-up finds the last alone, and it is the one
//! that has the lock. (Cloudflare, "How to stop running out of ephemeral ports", 2022.)
//!
//! An explicitly bound port can never be released, so the guest's socket is not what takes the lock, or a lost race
//! would leave it on a port where its 4-tuple belongs to another. A *keeper*, a socket of our own, binds, locks,
//! looks and connects: now the 4-tuple is ours. It opens the port, the guest's socket binds and connects in its turn,
//! and the keeper goes. A guest's socket that has its port already connects under a keeper's lock.
//!
//! No port is tried exclusively before, as for TCP: with more than ten sockets on a port, udp_lib_get_port() of Linux 5.10
//! looks by address alone, and an exclusive bind(2) to the wildcard does not see who is connected from there. The
//! keeper is bound to the address.
//!
//! What strangers send between bind and connect is dropped by a packet filter (`peer_filter.zig`). A guest's socket that
//! has a filter of its own keeps a port for itself, and so does one on a device, which look-ups from elsewhere do not see.

const std = @import("std");
const emulation = @import("emulation.zig");
const order = @import("../order.zig");
const peer_filter = @import("../peer_filter.zig");
const reuse = @import("../reuse.zig");
const sys = @import("../system.zig");
const transport = @import("../transport.zig");

const Answer = emulation.Answer;

/// What tells that a socket shares its port by us, and that the guest has set SO_REUSEADDR of it itself. Nothing in UDP
/// looks at either: SO_NOFCS is for packet sockets, SO_OOBINLINE for streams.
const mark = sys.SO.NOFCS;
const guests_mark = sys.SO.OOBINLINE;

/// Whether exact look-ups answer at all: a kernel without udp_diag finds nobody ever, and each look-up in vain may start
/// modprobe(8). So the first keeper that does not find itself is the last.
pub const Sight = struct {
    is_blind: std.atomic.Value(bool) = .init(false),

    fn isClear(sight: *const Sight, diagnosis: anytype) bool {
        return diagnosis.isOpen() and !sight.is_blind.load(.monotonic);
    }
};

/// Gives a UDP socket without a port one that makes a free 4-tuple with `destination`, and connects it. `name`: the
/// address that it is to be bound to. Null: it cannot share. `bound`: the guest's own connect(2) comes next, to the
/// same end.
pub fn connect(system: anytype, scope: emulation.Scope, sight: *Sight, fd: i32, name: *sys.Name, destination: *const sys.Name) ?Answer {
    if (isOnDevice(system, fd)) return null;
    var ends = endsOf(system, name, destination) orelse return null;
    var diagnosis = system.openDiagnosis();
    defer diagnosis.close();
    if (!sight.isClear(&diagnosis)) return null;
    if (!peer_filter.admit(system, fd, &ends)) return null;
    _ = set(system, fd, mark, true);
    const guests = reuse.takeAway(system, fd);
    const answer = join(system, scope, sight, &diagnosis, fd, name, &ends);
    if (answer != null and (answer.? == .bound or hasPort(system, fd))) {
        reuse.share(system, fd);
        if (guests.address) _ = set(system, fd, guests_mark, true);
        if (guests.port) _ = set(system, fd, sys.SO.REUSEPORT, true);
    } else {
        _ = set(system, fd, mark, false);
        reuse.lock(system, fd);
        reuse.giveBack(system, fd, guests);
    }
    if (answer == null or answer.? != .bound) peer_filter.remove(system, fd);
    return answer;
}

/// The same for a socket that shares its port already, bound to `name`. Not SUCCESS: what the guest's call fails with.
pub fn connectAgain(system: anytype, sight: *Sight, fd: i32, name: *const sys.Name, destination: *const sys.Name) sys.E {
    var ends = endsOf(system, name, destination) orelse return .SUCCESS;
    var diagnosis = system.openDiagnosis();
    defer diagnosis.close();
    if (!sight.isClear(&diagnosis)) return .SUCCESS;
    return connectBound(system, sight, &diagnosis, fd, name.port(), &ends);
}

/// Whether a socket shares its port by us.
pub fn isShared(system: anytype, fd: i32) bool {
    return sys.isOn(system, fd, sys.SOL.SOCKET, mark) and transport.isUdp(system, fd);
}

/// Whether an option of level SOL_SOCKET is on by us, so that the guest must read 0.
pub fn isOurs(system: anytype, fd: i32, name: u32) bool {
    return switch (name) {
        mark, guests_mark => isShared(system, fd),
        sys.SO.REUSEADDR => isShared(system, fd) and !sys.isOn(system, fd, sys.SOL.SOCKET, guests_mark),
        else => false,
    };
}

/// The guest has set SO_REUSEADDR of a socket that shares its port: the port stays open to others.
pub fn noteReuseAddress(system: anytype, fd: i32, on: bool) void {
    _ = set(system, fd, guests_mark, on);
    if (!on) reuse.share(system, fd);
}

/// Where a flow to `destination` leaves from, `name` being what the socket is bound to. Null where there is no route.
fn endsOf(system: anytype, name: *const sys.Name, destination: *const sys.Name) ?sys.Ends {
    var ends: sys.Ends = system.route(destination) orelse return null;
    if (!name.isWildcard()) ends.source = name.*;
    return ends;
}

/// Looks at every port once, and takes the first whose 4-tuple is free.
fn join(system: anytype, scope: emulation.Scope, sight: *Sight, diagnosis: anytype, fd: i32, name: *sys.Name, ends: *sys.Ends) ?Answer {
    const is_own_address = ends.source.hasSameAddress(&ends.destination);
    reuse.share(system, fd);
    var ports: order.Shuffled = .init(scope.ports, scope.random);
    for (0..scope.ports.size()) |_| {
        const port = ports.next();
        if (scope.reserved.has(port) or (is_own_address and port == ends.destination.port())) continue;
        if (ownerOf(diagnosis, &ends.source, port, &ends.destination) != null) continue;
        const keeper = switch (lock(system, sight, diagnosis, port, ends)) {
            .held => |own| own,
            .busy => continue,
            .unable => return null,
        };
        defer release(system, keeper.fd);
        if (system.connect(keeper.fd, &ends.destination) != .SUCCESS) return null;
        // A program of the operator's (BPF_CGROUP_INET4_CONNECT) sends it elsewhere, and hides that.
        if (ownerOf(diagnosis, &ends.source, port, &ends.destination) != keeper.cookie) return null;
        reuse.share(system, keeper.fd);
        // Busy: somebody else has the lock by now, for another destination.
        const answer = emulation.tryPort(system, scope, fd, name, port) orelse continue;
        if (answer != .bound) return answer;
        if (connectsFrom(system, fd, ends)) return .bound;
        const errno = connectBound(system, sight, diagnosis, fd, port, ends);
        return if (errno == .SUCCESS) .bound else .{ .failed = errno };
    }
    return .full;
}

/// Connects a socket that has its port, under the port's lock.
fn connectBound(system: anytype, sight: *Sight, diagnosis: anytype, fd: i32, port: u16, ends: *sys.Ends) sys.E {
    // The second time, from where the first one has left.
    for (0..2) |_| {
        if (ownerOf(diagnosis, &ends.source, port, &ends.destination)) |cookie| {
            return if (cookie == system.cookie(fd)) .SUCCESS else .AGAIN;
        }
        const keeper = switch (lock(system, sight, diagnosis, port, ends)) {
            .held => |own| own,
            .busy, .unable => return .AGAIN,
        };
        defer release(system, keeper.fd);
        _ = peer_filter.admit(system, fd, ends);
        if (connectsFrom(system, fd, ends)) return .SUCCESS;
    }
    return .AGAIN;
}

/// Connects a socket from where its 4-tuple was looked for. False: it would leave from another address, as routing by
/// a socket's own mark or device, or over several paths, may have it; that address is noted, and it is not connected.
fn connectsFrom(system: anytype, fd: i32, ends: *sys.Ends) bool {
    if (system.connect(fd, &ends.destination) != .SUCCESS) {
        // So does the guest's own, which tells it, and leaves the socket without this peer.
        peer_filter.remove(system, fd);
        return true;
    }
    const name = system.getName(fd) orelse return true;
    if (name.hasSameAddress(&ends.source)) return true;
    system.disconnect(fd);
    ends.source = name;
    return false;
}

const Keeper = struct { fd: i32, cookie: u32 };

const Lock = union(enum) {
    /// Nobody else can bind to the port on this address, and nobody has the 4-tuple.
    held: Keeper,
    /// Somebody has the port's lock or the 4-tuple.
    busy,
    /// No descriptor is left, a sandbox forbids bind(2), or look-ups find nobody.
    unable,
};

/// The keeper is bound to the address, not the wildcard: look-ups then find it before sockets on the wildcard that
/// have no peer, such as the guest's after AF_UNSPEC.
fn lock(system: anytype, sight: *Sight, diagnosis: anytype, port: u16, ends: *const sys.Ends) Lock {
    const keeper = system.open(ends.source.bytes.family, sys.SOCK.DGRAM) orelse return .unable;
    var name = ends.source;
    name.setPort(port);
    reuse.share(system, keeper);
    const errno = system.bind(keeper, &name);
    if (errno == .SUCCESS) {
        reuse.lock(system, keeper);
        const found = diagnosis.receiver(&name, port, &ends.destination);
        if (found) |it| {
            if (!it.is_connected and it.cookie == system.cookie(keeper)) return .{ .held = .{ .fd = keeper, .cookie = it.cookie } };
        } else sight.is_blind.store(true, .monotonic);
        release(system, keeper);
        return if (found == null) .unable else .busy;
    }
    system.close(keeper);
    return if (errno == .ADDRINUSE) .busy else .unable;
}

/// The cookie of whoever has the 4-tuple.
fn ownerOf(diagnosis: anytype, source: *const sys.Name, port: u16, destination: *const sys.Name) ?u32 {
    const found = diagnosis.receiver(source, port, destination) orelse return null;
    return if (found.is_connected) found.cookie else null;
}

/// Not by close(2) alone: a child that another thread has forked meanwhile holds the keeper too.
fn release(system: anytype, keeper: i32) void {
    reuse.share(system, keeper);
    system.disconnect(keeper);
    system.close(keeper);
}

/// SO_BINDTODEVICE tells nothing of a socket on no device, and has no room for a name otherwise: EINVAL.
fn isOnDevice(system: anytype, fd: i32) bool {
    return system.getOption(fd, sys.SOL.SOCKET, sys.SO.BINDTODEVICE) == .errno;
}

fn hasPort(system: anytype, fd: i32) bool {
    const name = system.getName(fd) orelse return false;
    return name.port() != 0;
}

fn set(system: anytype, fd: i32, name: u32, on: bool) sys.E {
    return system.setOption(fd, sys.SOL.SOCKET, name, @intFromBool(on));
}

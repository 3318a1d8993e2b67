//! The guest's own `bind(ip, 0)` on TCP, deferred: IP_BIND_ADDRESS_NO_PORT makes the kernel remember
//! the address alone, so that the port is chosen at connect(2) and may be shared between destinations.
//!
//! Rule: the guest must not see it. A guest that has not asked for the option still gets a real port from
//! getsockname(2), reads the option as 0, and fails a second bind(2). So two kinds of sockets must be told apart,
//! and the kernel is the only table that follows them through dup, fork, exec and descriptor
//! passing: a socket whose guest set the option *itself* carries a mark, IP_PASSSEC, which nothing in
//! TCP ever looks at. Set without the mark, the option is ours.

const address = @import("address.zig");
const sys = @import("system.zig");
const transport = @import("transport.zig");

const option = sys.IP.BIND_ADDRESS_NO_PORT;
pub const mark = sys.IP.PASSSEC;
/// A second mark: the guest has bound the socket itself, to what happens to be our source.
const own_address_mark = sys.IP.RECVOPTS;

/// Before the guest's bind(2) on a TCP socket. False where the kernel lacks the option (before Linux
/// 4.2, see late_bind.zig).
pub fn begin(system: anytype, fd: i32) bool {
    return system.setOption(fd, sys.SOL.IP, option, 1) == .SUCCESS;
}

/// Where a connect(2) goes, as far as it can be read, and whether its socket is ready for a bind without a port.
pub const Reading = struct { name: ?sys.Name, begun: bool };

/// The same at a connect(2), in the call that tells whether its address can be read: the option's value is the
/// first word of the address, whose family makes it more than 0.
pub fn beginAt(system: anytype, fd: i32, given: ?*const anyopaque, length: c_uint) Reading {
    const nothing: Reading = .{ .name = null, .begun = false };
    switch (system.setOptionFrom(fd, sys.SOL.IP, option, given orelse return nothing)) {
        .SUCCESS => {},
        .FAULT => return nothing,
        else => return .{ .name = address.copy(system, given, length), .begun = false },
    }
    const name = address.copyBegun(system, given.?, length);
    if (name == null) undo(system, fd);
    return .{ .name = name, .begun = name != null };
}

/// After a bind(2) that failed.
pub fn undo(system: anytype, fd: i32) void {
    if (!sys.isOn(system, fd, sys.SOL.IP, mark)) _ = system.setOption(fd, sys.SOL.IP, option, 0);
}

/// Whether the kernel has the option for this socket.
pub fn isThere(system: anytype, fd: i32) bool {
    return system.getOption(fd, sys.SOL.IP, option) == .value;
}

/// Whether a socket from elsewhere may be a deferred one; says yes too for a guest's own use.
pub inline fn mayBe(system: anytype, fd: i32) bool {
    return sys.isOn(system, fd, sys.SOL.IP, option);
}

/// The address of a socket whose bind was deferred and that has no port yet; null for every other.
pub fn pending(system: anytype, fd: i32) ?sys.Name {
    if (!mayBe(system, fd)) return null;
    const name = system.getName(fd) orelse return null;
    if (!name.isInternet() or name.port() != 0) return null;
    return if (isUnmarkedTcp(system, fd)) name else null;
}

/// Binds a pending socket to its address and a port. On failure it stays pending.
pub fn settle(system: anytype, fd: i32, name: *const sys.Name) sys.E {
    _ = system.setOption(fd, sys.SOL.IP, option, 0);
    const errno = system.bind(fd, name);
    if (errno != .SUCCESS) _ = system.setOption(fd, sys.SOL.IP, option, 1);
    return errno;
}

/// The guest has bound a socket to our source by itself.
pub fn noteOwnAddress(system: anytype, fd: i32) void {
    if (transport.isTcp(system, fd)) _ = system.setOption(fd, sys.SOL.IP, own_address_mark, 1);
}

/// Whether a socket without a port that is bound to our source was bound by us.
pub fn isAddressOurs(system: anytype, fd: i32) bool {
    return !sys.isOn(system, fd, sys.SOL.IP, own_address_mark);
}

/// Whether the option is set by us, so that the guest must read 0.
pub fn isOurs(system: anytype, fd: i32) bool {
    return mayBe(system, fd) and isUnmarkedTcp(system, fd);
}

fn isUnmarkedTcp(system: anytype, fd: i32) bool {
    return transport.isTcp(system, fd) and !sys.isOn(system, fd, sys.SOL.IP, mark);
}

/// The guest has set the option itself.
pub fn note(system: anytype, fd: i32, asked: bool) void {
    if (transport.isTcp(system, fd)) _ = system.setOption(fd, sys.SOL.IP, mark, @intFromBool(asked));
}

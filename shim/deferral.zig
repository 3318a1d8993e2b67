//! The guest's own `bind(ip, 0)` on TCP, deferred: IP_BIND_ADDRESS_NO_PORT makes the kernel remember
//! the address alone, so that the port is chosen at connect(2) and may be shared between destinations.
//!
//! Rule: the guest must not see it. A guest that has not asked for the option still gets a real port from
//! getsockname(2), reads the option as 0, and fails a second bind(2). So two kinds of sockets must be told apart,
//! and the kernel is the only table that follows them through dup, fork, exec and descriptor
//! passing: a socket whose guest set the option *itself* carries a mark, IP_PASSSEC, which nothing in
//! TCP ever looks at. Set without the mark, the option is ours.

const sys = @import("system.zig");
const transport = @import("transport.zig");

const option = sys.IP.BIND_ADDRESS_NO_PORT;
pub const mark = sys.IP.PASSSEC;

/// Before the guest's bind(2) on a TCP socket. False where the kernel lacks the option (before Linux
/// 4.2, see late_bind.zig).
pub fn begin(system: anytype, fd: i32) bool {
    return system.setOption(fd, sys.SOL.IP, option, 1) == .SUCCESS;
}

/// After a bind(2) that failed.
pub fn undo(system: anytype, fd: i32) void {
    if (!sys.isOn(system, fd, sys.SOL.IP, mark)) _ = system.setOption(fd, sys.SOL.IP, option, 0);
}

/// Whether this kernel has the option.
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

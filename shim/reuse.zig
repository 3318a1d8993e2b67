//! SO_REUSEADDR and SO_REUSEPORT, which decide who may share a port: the emulation must set them, and the
//! guest must not see it.
//!
//! Rule: the guest reads what it set. While a search lasts, what it set is kept on our stack. After
//! a connect SO_REUSEADDR stays on; that the guest thinks it off is remembered in the socket itself, as
//! a mark that nothing in TCP looks at (IP_RETOPTS), because only the kernel's table is right across dup,
//! fork, exec and descriptor passing.

const sys = @import("system.zig");
const transport = @import("transport.zig");

const mark = sys.IP.RETOPTS;

/// What the guest has set.
pub const Options = struct { address: bool, port: bool };

/// Switches both off, for an exclusive bind(2).
pub fn takeAway(system: anytype, fd: i32) Options {
    const guests: Options = .{
        .address = sys.isOn(system, fd, sys.SOL.SOCKET, sys.SO.REUSEADDR),
        .port = sys.isOn(system, fd, sys.SOL.SOCKET, sys.SO.REUSEPORT),
    };
    if (guests.address) set(system, fd, sys.SO.REUSEADDR, false);
    if (guests.port) set(system, fd, sys.SO.REUSEPORT, false);
    return guests;
}

pub fn giveBack(system: anytype, fd: i32, guests: Options) void {
    if (guests.address) set(system, fd, sys.SO.REUSEADDR, true);
    if (guests.port) set(system, fd, sys.SO.REUSEPORT, true);
}

/// Others may join this socket's port.
pub fn share(system: anytype, fd: i32) void {
    set(system, fd, sys.SO.REUSEADDR, true);
}

/// Nobody may.
pub fn lock(system: anytype, fd: i32) void {
    set(system, fd, sys.SO.REUSEADDR, false);
}

/// SO_REUSEADDR is on for good: remembers that the guest has not set it.
pub fn hide(system: anytype, fd: i32, guests: Options) void {
    if (!guests.address) _ = system.setOption(fd, sys.SOL.IP, mark, 1);
    if (guests.port) set(system, fd, sys.SO.REUSEPORT, true);
}

/// Whether the guest must read SO_REUSEADDR as 0 although it is on.
pub fn isHidden(system: anytype, fd: i32) bool {
    return sys.isOn(system, fd, sys.SOL.IP, mark) and transport.isTcp(system, fd);
}

/// The guest has set SO_REUSEADDR of a socket whose option is hidden.
pub fn noteHidden(system: anytype, fd: i32, on: bool) void {
    if (on) _ = system.setOption(fd, sys.SOL.IP, mark, 0) else share(system, fd);
}

fn set(system: anytype, fd: i32, name: u32, on: bool) void {
    _ = system.setOption(fd, sys.SOL.SOCKET, name, @intFromBool(on));
}

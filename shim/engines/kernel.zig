//! The `kernel` engine: IP_LOCAL_PORT_RANGE makes the kernel itself choose among the ports.
//!
//! Rule: ask first, set only what is not yet right. The kernel is the table: a socket whose range
//! lies inside the ports stays as it is, whoever set that range and whenever.

const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");
const Ports = @import("../Ports.zig");
const Random = @import("../random.zig").Random;
const PortRange = Policy.PortRange;
const transport = @import("../transport.zig");

pub const Answer = enum {
    /// The kernel will choose among the ports.
    ready,
    /// This kernel lacks the option for this socket.
    lacking,
    /// Not a socket that has such an option; not ours.
    foreign,
};

/// Makes sure that the range of `fd` lies inside the ports. One system call where it does already.
pub fn keep(system: anytype, ports: *const Ports, random: *Random, fd: i32) Answer {
    switch (system.getOption(fd, sys.SOL.IP, sys.IP.LOCAL_PORT_RANGE)) {
        .value => |value| if (ports.holds(unpack(value))) return .ready,
        .errno => |errno| switch (answer(errno)) {
            .lacking => return if (transport.isPinnable(system, fd)) .lacking else .foreign,
            else => |other| return other,
        },
    }
    // Raw and ping sockets take the option too, without any effect: theirs stays the guest's own.
    if (!transport.isPinnable(system, fd)) return .foreign;
    return set(system, ports, random, fd);
}

/// Gives `fd` one of the ranges, whatever it had: at random, weighted by size.
pub fn set(system: anytype, ports: *const Ports, random: *Random, fd: i32) Answer {
    return setIndex(system, ports, ports.pick(random.next()), fd);
}

pub fn setIndex(system: anytype, ports: *const Ports, index: usize, fd: i32) Answer {
    const value = pack(ports.ranges[index]);
    return answer(system.setOption(fd, sys.SOL.IP, sys.IP.LOCAL_PORT_RANGE, value));
}

/// Takes the range of `fd` away: any port of the namespace's.
pub fn clear(system: anytype, fd: i32) void {
    setRange(system, fd, .{ .low = 0, .high = 0 });
}

/// Any range, for a moment.
pub fn setRange(system: anytype, fd: i32, range: PortRange) void {
    _ = system.setOption(fd, sys.SOL.IP, sys.IP.LOCAL_PORT_RANGE, pack(range));
}

/// Which of the ranges `fd` has; null where the guest gave it a part of one.
pub fn current(system: anytype, ports: *const Ports, fd: i32) ?usize {
    return ports.find(rangeOf(system, fd) orelse return null);
}

/// The option's value, halves as they are; null where there is no such option.
pub fn rangeOf(system: anytype, fd: i32) ?PortRange {
    return switch (system.getOption(fd, sys.SOL.IP, sys.IP.LOCAL_PORT_RANGE)) {
        .value => |value| unpack(value),
        .errno => null,
    };
}

fn answer(errno: sys.E) Answer {
    if (errno == .SUCCESS) return .ready;
    return if (isLacking(errno)) .lacking else .foreign;
}

/// ENOPROTOOPT or EOPNOTSUPP, by protocol and version: an MPTCP socket says either on Linux 6.1.
pub fn isLacking(errno: sys.E) bool {
    return errno == .NOPROTOOPT or errno == .OPNOTSUPP;
}

pub fn pack(range: PortRange) u32 {
    return @as(u32, range.low) | @as(u32, range.high) << 16;
}

pub fn unpack(value: u32) PortRange {
    return .{ .low = @truncate(value), .high = @truncate(value >> 16) };
}

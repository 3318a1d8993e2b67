//! What kind of socket a descriptor is, as the kernel says: never remembered, because a
//! descriptor's number means something else after close, dup2 or exec.

const sys = @import("system.zig");
const Transport = @import("Policy.zig").Transport;

/// Whether source ports of this socket are ours to choose: TCP, MPTCP, SCTP one-to-one, UDP and UDP-Lite
/// over IPv4 or IPv6. The protocol decides, not the type alone: ping sockets are SOCK_DGRAM, and a raw socket may
/// carry TCP's number. Three system calls; asked only where something is not as usual.
pub fn isPinnable(system: anytype, fd: i32) bool {
    const domain = ask(system, fd, sys.SO.DOMAIN) orelse return false;
    if (domain != sys.AF.INET and domain != sys.AF.INET6) return false;
    const kind = ask(system, fd, sys.SO.TYPE) orelse return false;
    const protocol = ask(system, fd, sys.SO.PROTOCOL) orelse return false;
    return isPinnableKind(domain, kind, protocol);
}

/// The same from the arguments of socket(2), where protocol 0 means the type's usual one.
pub fn isPinnableKind(domain: u32, kind: u32, protocol: u32) bool {
    if (domain != sys.AF.INET and domain != sys.AF.INET6) return false;
    return switch (kind) {
        sys.SOCK.STREAM => switch (protocol) {
            0, sys.IPPROTO.TCP, sys.IPPROTO_MPTCP, sys.IPPROTO.SCTP => true,
            else => false,
        },
        sys.SOCK.DGRAM => switch (protocol) {
            0, sys.IPPROTO.UDP, sys.IPPROTO.UDPLITE => true,
            else => false,
        },
        else => false,
    };
}

/// What a pinnable socket of IPv4 or IPv6 is; null for every other. One system call for TCP, two for UDP.
pub fn kindOf(system: anytype, fd: i32) ?Transport {
    if (isTcp(system, fd)) return .tcp;
    if (isUdp(system, fd)) return .udp;
    return switch (ask(system, fd, sys.SO.PROTOCOL) orelse return null) {
        sys.IPPROTO_MPTCP => .tcp,
        sys.IPPROTO.SCTP => if (ask(system, fd, sys.SO.TYPE) == sys.SOCK.STREAM) .sctp else null,
        else => null,
    };
}

/// Whether `fd` is a TCP socket, and no other. One system call: the option is of level SOL_TCP, which
/// MPTCP (before Linux 6.17) and every other protocol refuse.
pub fn isTcp(system: anytype, fd: i32) bool {
    return system.getOption(fd, sys.IPPROTO.TCP, sys.TCP.THIN_LINEAR_TIMEOUTS) == .value;
}

/// Whether a TCP socket is neither connected nor about to be, nor listens: the first byte of struct tcp_info.
pub fn isClosedTcp(system: anytype, fd: i32) bool {
    return switch (system.getOption(fd, sys.IPPROTO.TCP, sys.TCP.INFO)) {
        .value => |value| @as([4]u8, @bitCast(value))[0] == tcp_close,
        .errno => false,
    };
}

/// TCP_CLOSE of the kernel's net/tcp_states.h
const tcp_close = 7;

/// Whether SO_BINDTODEVICE was set, or a kernel before Linux 5.1 does not tell.
pub fn isOnOneInterface(system: anytype, fd: i32) bool {
    return ask(system, fd, sys.SO.BINDTOIFINDEX) != 0;
}

/// UDP or UDP-Lite, which alone know the options of level SOL_UDP.
pub fn isUdp(system: anytype, fd: i32) bool {
    return system.getOption(fd, sys.IPPROTO.UDP, sys.UDP_CORK) == .value;
}

/// UDP alone: UDP-Lite has ports of its own, and a sock_diag(7) of its own.
pub fn isPlainUdp(system: anytype, fd: i32) bool {
    return ask(system, fd, sys.SO.PROTOCOL) == sys.IPPROTO.UDP and isUdp(system, fd);
}

pub fn isMptcp(system: anytype, fd: i32) bool {
    return ask(system, fd, sys.SO.PROTOCOL) == sys.IPPROTO_MPTCP;
}

fn ask(system: anytype, fd: i32, name: u32) ?u32 {
    return switch (system.getOption(fd, sys.SOL.SOCKET, name)) {
        .value => |value| value,
        .errno => null,
    };
}

//! The system-call layer: what `pin` and the engines ask of the kernel, and nothing else.
//!
//! Rule: raw system calls on raw numbers. They leave errno alone, never pass through another
//! preload library, and are the only ones that the shim makes for itself.

const std = @import("std");
const builtin = @import("builtin");
const linux = std.os.linux;
const diagnosis = @import("diagnosis.zig");
const logging = @import("log.zig");
const process = @import("process.zig");

pub const E = linux.E;
pub const AF = linux.AF;
pub const SOL = linux.SOL;
pub const SO = linux.SO;
pub const IPPROTO = linux.IPPROTO;
pub const MSG = linux.MSG;
pub const SCM = linux.SCM;
pub const SOCK = linux.SOCK;
pub const TCP = linux.TCP;

/// Options of level SOL_IP; they work on AF_INET6 sockets too.
pub const IP = struct {
    /// ip(7); the port is chosen at connect(2) or listen(2). Linux 4.2, commit 90c337da1524.
    pub const BIND_ADDRESS_NO_PORT = linux.IP.BIND_ADDRESS_NO_PORT;
    /// ip(7); low half: lowest port, high half: highest. Linux 6.3, commit 91d0b78c5177.
    pub const LOCAL_PORT_RANGE = 51;
    pub const PKTINFO = linux.IP.PKTINFO;
    /// Asks for SELinux labels of datagrams: without any effect on a TCP socket.
    pub const PASSSEC = linux.IP.PASSSEC;
    /// Asks for the IP options of datagrams: without any effect on a TCP socket.
    pub const RECVOPTS = linux.IP.RECVOPTS;
    /// Asks for the IP options of datagrams, to be sent back: without any effect on a TCP socket.
    pub const RETOPTS = linux.IP.RETOPTS;
    /// Drops a connection's packets that come from too far: without any effect on a UDP socket. Linux 2.6.34.
    pub const MINTTL = linux.IP.MINTTL;
};

/// What the options of level SOL_IPV6 and SOL_UDP are that we ask.
pub const IPV6_V6ONLY = linux.IPV6.V6ONLY;
pub const IPV6_PKTINFO = linux.IPV6.PKTINFO;
pub const IPV6_2292PKTINFO = linux.IPV6.@"2292PKTINFO";
pub const UDP_CORK = 1;

pub const IPPROTO_MPTCP = 262;

/// One end of a flow: a socket address of IPv4 or IPv6, with its length. Its words are in network
/// byte order, as the kernel has them.
pub const Name = extern struct {
    bytes: linux.sockaddr.in6 align(8),
    length: linux.socklen_t,

    /// `family` AF_INET6: mapped.
    pub fn ofIpv4(family: u16, address: [4]u8) Name {
        if (family == AF.INET6) return .ofIpv6(mapped_prefix ++ address);
        var name: Name = std.mem.zeroes(Name);
        name.bytes.family = AF.INET;
        const bytes: *[@sizeOf(linux.sockaddr.in6)]u8 = @ptrCast(&name.bytes);
        bytes[4..8].* = address;
        name.length = @sizeOf(linux.sockaddr.in);
        return name;
    }

    pub fn ofIpv6(address: [16]u8) Name {
        var name: Name = std.mem.zeroes(Name);
        name.bytes.family = AF.INET6;
        name.bytes.addr = address;
        name.length = @sizeOf(linux.sockaddr.in6);
        return name;
    }

    /// The address as a number, an IPv4 one mapped into IPv6.
    pub fn mapped(name: *const Name) u128 {
        const address = if (name.ipv4()) |four| mapped_prefix ++ four.* else name.bytes.addr;
        return std.mem.readInt(u128, &address, .big);
    }

    const mapped_prefix = [_]u8{0} ** 10 ++ [_]u8{ 0xff, 0xff };

    pub fn setPort(name: *Name, to: u16) void {
        name.bytes.port = std.mem.nativeToBig(u16, to);
    }

    /// The four bytes of an IPv4 address, also of one that is mapped into IPv6; null for true IPv6.
    pub fn ipv4(name: *const Name) ?*const [4]u8 {
        const bytes: *const [@sizeOf(linux.sockaddr.in6)]u8 = @ptrCast(&name.bytes);
        if (name.bytes.family == AF.INET) return bytes[4..8];
        return if (std.mem.eql(u8, name.bytes.addr[0..12], &mapped_prefix)) name.bytes.addr[12..16] else null;
    }

    pub fn isWildcard(name: *const Name) bool {
        const address: []const u8 = if (name.ipv4()) |four| four else &name.bytes.addr;
        return std.mem.allEqual(u8, address, 0);
    }

    /// fe80::/10. RFC 4291
    pub fn isLinkLocal(name: *const Name) bool {
        const bytes = &name.bytes.addr;
        return name.bytes.family == AF.INET6 and bytes[0] == 0xfe and bytes[1] & 0xc0 == 0x80;
    }

    pub fn hasSameAddress(name: *const Name, other: *const Name) bool {
        const four = name.ipv4() orelse
            return other.ipv4() == null and std.mem.eql(u8, &name.bytes.addr, &other.bytes.addr);
        return std.mem.eql(u8, four, other.ipv4() orelse return false);
    }

    pub fn isInternet(name: *const Name) bool {
        return name.bytes.family == AF.INET or name.bytes.family == AF.INET6;
    }

    /// Host byte order; sin_port and sin6_port are at the same place.
    pub fn port(name: *const Name) u16 {
        return std.mem.bigToNative(u16, name.bytes.port);
    }
};

/// The two ends of a flow.
pub const Ends = struct { source: Name, destination: Name };

pub const Option = union(enum) { value: u32, errno: E };

/// Whether an option that is on or off is on; no where there is no such option.
pub fn isOn(system: anytype, fd: i32, level: u32, name: u32) bool {
    return switch (system.getOption(fd, level, name)) {
        .value => |value| value != 0,
        .errno => false,
    };
}

/// One instruction of classic BPF: linux/filter.h, struct sock_filter.
pub const Instruction = extern struct { code: u16, if_true: u8 = 0, if_false: u8 = 0, operand: u32 };

/// The real calls. Tests have a scripted twin with the same methods (`fake_system.zig`).
pub const System = struct {
    pub fn getOption(_: System, fd: i32, level: u32, name: u32) Option {
        var value: u32 = 0;
        var length: linux.socklen_t = @sizeOf(u32);
        return switch (linux.errno(raw("getsockopt", .{ fd, level, name, &value, &length }))) {
            .SUCCESS => .{ .value = value },
            else => |failure| .{ .errno = failure },
        };
    }

    /// The low half of SO_COOKIE, which no other socket has while this one lives; never 0.
    pub fn cookie(_: System, fd: i32) ?u32 {
        var value: u64 = 0;
        var length: linux.socklen_t = @sizeOf(u64);
        if (linux.errno(raw("getsockopt", .{ fd, SOL.SOCKET, SO.COOKIE, &value, &length })) != .SUCCESS) return null;
        return @max(1, @as(u32, @truncate(value)));
    }

    pub fn setOption(_: System, fd: i32, level: u32, name: u32, value: u32) E {
        return linux.errno(raw("setsockopt", .{ fd, level, name, &value, @as(usize, @sizeOf(u32)) }));
    }

    /// The value is what stands at `value`, wherever that is: EFAULT where it cannot be read.
    pub fn setOptionFrom(_: System, fd: i32, level: u32, name: u32, value: *const anyopaque) E {
        return linux.errno(raw("setsockopt", .{ fd, level, name, value, @as(usize, @sizeOf(u32)) }));
    }

    /// Of how many instructions the socket's filter is, which are then in `program`; 0 where it has none, null
    /// where it has more than there is room for, or where the kernel does not tell (before Linux 3.8). socket(7)
    pub fn filter(_: System, fd: i32, program: []Instruction) ?usize {
        var length: linux.socklen_t = @intCast(program.len);
        const rc = raw("getsockopt", .{ fd, SOL.SOCKET, SO.ATTACH_FILTER, program.ptr, &length });
        return if (linux.errno(rc) == .SUCCESS) length else null;
    }

    /// In place of the one that the socket has.
    pub fn attachFilter(_: System, fd: i32, program: []const Instruction) E {
        const given: extern struct { length: c_ushort, program: [*]const Instruction } =
            .{ .length = @intCast(program.len), .program = program.ptr };
        const bytes: usize = @sizeOf(@TypeOf(given));
        return linux.errno(raw("setsockopt", .{ fd, SOL.SOCKET, SO.ATTACH_FILTER, &given, bytes }));
    }

    /// A socket of our own; null where there can be none.
    pub fn open(_: System, domain: u32, kind: u32) ?i32 {
        return openOf(domain, kind, 0);
    }

    fn openOf(domain: u32, kind: u32, protocol: u32) ?i32 {
        const opened = raw("socket", .{ domain, kind | SOCK.CLOEXEC, protocol });
        return if (linux.errno(opened) == .SUCCESS) @intCast(opened) else null;
    }

    pub fn close(_: System, fd: i32) void {
        _ = linux.close(fd);
    }

    /// Null where the descriptor is no socket.
    pub fn getName(_: System, fd: i32) ?Name {
        var name: Name = undefined;
        name.bytes.family = AF.UNSPEC;
        name.length = @sizeOf(linux.sockaddr.in6);
        if (linux.errno(raw("getsockname", .{ fd, &name.bytes, &name.length })) != .SUCCESS) return null;
        return name;
    }

    pub fn bind(_: System, fd: i32, name: *const Name) E {
        return linux.errno(raw("bind", .{ fd, &name.bytes, name.length }));
    }

    /// connect(2) with AF_UNSPEC: ends a UDP socket's association, and gives back a port that the kernel chose.
    pub fn disconnect(_: System, fd: i32) void {
        const nowhere: linux.sockaddr.storage = .{ .family = AF.UNSPEC, .padding = undefined };
        _ = raw("connect", .{ fd, &nowhere, @as(usize, @sizeOf(linux.sockaddr.in)) });
    }

    /// Whether a socket can be bound to the address at all; EINVAL: it is link-local, and on no link.
    pub fn isLocal(_: System, name: *const Name) bool {
        const fd = openOf(name.bytes.family, SOCK.DGRAM, 0) orelse return true;
        defer _ = linux.close(fd);
        const errno_of_bind = linux.errno(raw("bind", .{ fd, &name.bytes, name.length }));
        return errno_of_bind != .ADDRNOTAVAIL and errno_of_bind != .INVAL;
    }

    /// Whether eight bytes at `address`, which is not null, can be read, without reading them here: rt_sigprocmask(2)
    /// copies the set before it looks at `how`, and refuses this one (EINVAL) where it could.
    pub fn isReadable(_: System, address: usize) bool {
        const no_such_how = std.math.maxInt(u32);
        const rc = linux.syscall4(.rt_sigprocmask, no_such_how, address, 0, 8);
        return linux.errno(rc) != .FAULT;
    }

    /// Reads a small file whole; null where that cannot be done.
    pub fn readFile(_: System, path: [*:0]const u8, buffer: []u8) ?[]u8 {
        const opened = linux.open(path, .{ .CLOEXEC = true }, 0);
        if (linux.errno(opened) != .SUCCESS) return null;
        const fd: i32 = @intCast(opened);
        const got = linux.read(fd, buffer.ptr, buffer.len);
        _ = linux.close(fd);
        return if (linux.errno(got) == .SUCCESS) buffer[0..got] else null;
    }

    /// The two ends that a connection to `destination` would have, as routing says it: a UDP socket is connected and
    /// asked, and nothing is sent. Where it gets no port because all are taken (EAGAIN), one of UDP-Lite does, which
    /// has ports of its own. Null where there is no route.
    pub fn route(_: System, destination: *const Name) ?Ends {
        for ([_]u32{ IPPROTO.UDP, IPPROTO.UDPLITE }) |protocol| {
            const fd = openOf(destination.bytes.family, SOCK.DGRAM, protocol) orelse return null;
            defer _ = linux.close(fd);
            switch (linux.errno(raw("connect", .{ fd, &destination.bytes, destination.length }))) {
                .SUCCESS => return endsOf(fd),
                .AGAIN => {},
                else => return null,
            }
        }
        return null;
    }

    /// Of a connected socket.
    fn endsOf(fd: i32) ?Ends {
        var ends: Ends = undefined;
        inline for (.{ "getsockname", "getpeername" }, .{ &ends.source, &ends.destination }) |call, name| {
            name.length = @sizeOf(linux.sockaddr.in6);
            if (linux.errno(raw(call, .{ fd, &name.bytes, &name.length })) != .SUCCESS) return null;
        }
        return ends;
    }

    pub fn openDiagnosis(_: System) diagnosis.Diagnosis {
        return .open();
    }

    /// Never blocks on the UDP sockets that it is for.
    pub fn connect(_: System, fd: i32, name: *const Name) E {
        return linux.errno(raw("connect", .{ fd, &name.bytes, name.length }));
    }

    pub fn log(_: System, target: *const logging.Target, decision: *const logging.Decision) void {
        logging.write(target, decision);
    }

    pub fn coarseSeconds(_: System) u32 {
        return process.coarseSeconds();
    }

    pub fn errno(_: System) E {
        return process.errno();
    }

    pub fn setErrno(_: System, value: E) void {
        process.setErrno(value);
    }
};

/// One socket call by its name; on 32-bit x86 through socketcall(2), as all kernels there have it.
pub fn raw(comptime name: []const u8, arguments: anytype) usize {
    var words: [6]usize = undefined;
    inline for (arguments, words[0..arguments.len]) |argument, *to| to.* = word(argument);
    if (builtin.cpu.arch == .x86 and @hasDecl(linux.SC, name)) {
        return linux.socketcall(@field(linux.SC, name), &words);
    }
    return enter(@field(linux.SYS, name), &words);
}

/// Out of line, because the library must be small: words that a call does not take are not looked at.
noinline fn enter(number: linux.SYS, words: *const [6]usize) usize {
    return linux.syscall6(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/// Signed numbers keep their sign, as the C calling convention passes them.
fn word(argument: anytype) usize {
    return switch (@typeInfo(@TypeOf(argument))) {
        .pointer, .optional => @intFromPtr(argument),
        .comptime_int => argument,
        .int => |int| if (int.signedness == .signed)
            @bitCast(@as(isize, argument))
        else
            argument,
        else => comptime unreachable,
    };
}

/// The same as libc makes it: -1 and errno on failure.
pub fn libc(comptime name: []const u8, arguments: anytype) isize {
    return libcResult(raw(name, arguments));
}

noinline fn libcResult(rc: usize) isize {
    const failure = linux.errno(rc);
    if (failure == .SUCCESS) return @bitCast(rc);
    process.setErrno(failure);
    return -1;
}

test "isReadable() tells a readable address from an unreadable one" {
    const system: System = .{};
    const bytes = [_]u8{0} ** 16;
    try std.testing.expect(system.isReadable(@intFromPtr(&bytes)));
    try std.testing.expect(system.isReadable(@intFromPtr(&bytes) + 3));
    try std.testing.expect(!system.isReadable(8));
}

//! A kernel for unit tests: one network namespace, a few sockets, and the calls that the shim makes.
//!
//! Rule: it answers as Linux does in what the tests ask of it, and counts every system call, so
//! that a test can say what a decision costs. What only a real kernel can show is shown by cases.

const std = @import("std");
const sys = @import("system.zig");
const Finding = @import("diagnosis.zig").Finding;
const E = sys.E;

pub const Socket = struct {
    domain: u32 = sys.AF.INET,
    kind: u32 = sys.SOCK.STREAM,
    protocol: u32 = sys.IPPROTO.TCP,
    /// IP_LOCAL_PORT_RANGE as set; null: this protocol lacks the option.
    range: ?u32 = 0,
    /// IP_BIND_ADDRESS_NO_PORT; null: lacking.
    late_bind: ?bool = false,
    mark: bool = false,
    shared_mark: bool = false,
    own_address_mark: bool = false,
    /// The IPv4 address that bind(2) gave it.
    address: [4]u8 = @splat(0),
    reuse_address: bool = false,
    reuse_port: bool = false,
    /// Host byte order; 0: no port yet.
    port: u16 = 0,
    /// Whether bind(2) asked for just this port.
    asked: bool = false,
};

pub const Kernel = struct {
    sockets: []Socket,
    /// ip_local_port_range as /proc shows it; null: no /proc.
    namespace_range: ?[]const u8 = "32768\t60999\n",
    second: u32 = 1,
    /// ip_local_reserved_ports.
    reserved: []const u8 = "\n",
    errno: E = .SUCCESS,
    readable: bool = true,
    /// Ports that are taken already, by sockets that share with nobody.
    taken: []const u16 = &.{},
    /// Ports whose sockets have SO_REUSEADDR on.
    joinable: []const u16 = &.{},
    /// Ports that are source of a connection to wherever anybody connects.
    connected: []const u16 = &.{},
    waiting: []const u16 = &.{},
    /// What bind(2) says to everything; SUCCESS: it works.
    bind_errno: E = .SUCCESS,
    system_calls: u32 = 0,
    /// How often a call of the guest was carried out.
    guest_runs: u32 = 0,

    /// The lowest free port of the socket's range, as an explicit bind(2) to port 0 gives it; null: full.
    pub fn choosePort(kernel: *Kernel, fd: i32) ?u16 {
        const range = kernel.sockets[@intCast(fd)].range orelse 0;
        var port: u32 = range & 0xffff;
        while (port <= range >> 16) : (port += 1) {
            if (!has(kernel.taken, @intCast(port))) return @intCast(port);
        }
        return null;
    }

    pub fn system(kernel: *Kernel) FakeSystem {
        return .{ .kernel = kernel };
    }
};

pub const FakeSystem = struct {
    kernel: *Kernel,

    fn enter(fake: FakeSystem, fd: i32) ?*Socket {
        fake.kernel.system_calls += 1;
        if (fd < 0 or fd >= fake.kernel.sockets.len) return null;
        return &fake.kernel.sockets[@intCast(fd)];
    }

    pub fn getOption(fake: FakeSystem, fd: i32, level: u32, name: u32) sys.Option {
        const socket = fake.enter(fd) orelse return .{ .errno = .BADF };
        if (level == sys.SOL.SOCKET) return switch (name) {
            sys.SO.DOMAIN => .{ .value = socket.domain },
            sys.SO.TYPE => .{ .value = socket.kind },
            sys.SO.PROTOCOL => .{ .value = socket.protocol },
            sys.SO.REUSEADDR => .{ .value = @intFromBool(socket.reuse_address) },
            sys.SO.REUSEPORT => .{ .value = @intFromBool(socket.reuse_port) },
            sys.SO.BINDTOIFINDEX => .{ .value = 0 },
            else => .{ .errno = .NOPROTOOPT },
        };
        if (level == sys.IPPROTO.TCP or level == sys.IPPROTO.UDP) {
            return if (socket.protocol == level) .{ .value = 0 } else .{ .errno = .OPNOTSUPP };
        }
        const value: ?u32 = switch (name) {
            sys.IP.LOCAL_PORT_RANGE => socket.range,
            sys.IP.BIND_ADDRESS_NO_PORT => if (socket.late_bind) |set| @intFromBool(set) else null,
            sys.IP.PASSSEC => @intFromBool(socket.mark),
            sys.IP.RETOPTS => @intFromBool(socket.shared_mark),
            sys.IP.RECVOPTS => @intFromBool(socket.own_address_mark),
            else => null,
        };
        return if (value) |it| .{ .value = it } else .{ .errno = .NOPROTOOPT };
    }

    pub fn cookie(_: FakeSystem, fd: i32) ?u32 {
        return @intCast(fd + 1);
    }

    pub fn setOption(fake: FakeSystem, fd: i32, level: u32, name: u32, value: u32) E {
        const socket = fake.enter(fd) orelse return .BADF;
        if (level == sys.SOL.SOCKET) switch (name) {
            sys.SO.REUSEADDR => socket.reuse_address = value != 0,
            sys.SO.REUSEPORT => socket.reuse_port = value != 0,
            else => return .NOPROTOOPT,
        } else if (level != sys.SOL.IP) {
            return .NOPROTOOPT;
        } else switch (name) {
            sys.IP.LOCAL_PORT_RANGE => socket.range = if (socket.range == null) return .NOPROTOOPT else value,
            sys.IP.BIND_ADDRESS_NO_PORT => socket.late_bind = if (socket.late_bind == null) return .NOPROTOOPT else value != 0,
            sys.IP.PASSSEC => socket.mark = value != 0,
            sys.IP.RETOPTS => socket.shared_mark = value != 0,
            sys.IP.RECVOPTS => socket.own_address_mark = value != 0,
            else => return .NOPROTOOPT,
        }
        return .SUCCESS;
    }

    /// The guest's memory is the test's own.
    pub fn setOptionFrom(fake: FakeSystem, fd: i32, level: u32, name: u32, value: *const anyopaque) E {
        if (!fake.kernel.readable) return .FAULT;
        return fake.setOption(fd, level, name, @as(*align(1) const u32, @ptrCast(value)).*);
    }

    /// The kernel chose every port here that was not asked for.
    pub fn disconnect(fake: FakeSystem, fd: i32) void {
        const socket = fake.enter(fd) orelse return;
        if (!socket.asked) socket.port = 0;
    }

    pub fn isLocal(_: FakeSystem, _: *const sys.Name) bool {
        return true;
    }

    pub fn getName(fake: FakeSystem, fd: i32) ?sys.Name {
        const socket = fake.enter(fd) orelse return null;
        var name: sys.Name = if (socket.domain == sys.AF.INET6) .ofIpv6(@splat(0)) else .ofIpv4(sys.AF.INET, socket.address);
        name.bytes.family = @intCast(socket.domain);
        name.setPort(socket.port);
        return name;
    }

    pub fn bind(fake: FakeSystem, fd: i32, name: *const sys.Name) E {
        const socket = fake.enter(fd) orelse return .BADF;
        if (fake.kernel.bind_errno != .SUCCESS) return fake.kernel.bind_errno;
        if (socket.port != 0) return .INVAL;
        if (has(fake.kernel.taken, name.port())) return .ADDRINUSE;
        if (has(fake.kernel.joinable, name.port()) and !socket.reuse_address) return .ADDRINUSE;
        if (name.ipv4()) |four| socket.address = four.*;
        if (name.port() == 0 and socket.late_bind == true) return .SUCCESS;
        socket.asked = name.port() != 0;
        socket.port = if (socket.asked) name.port() else fake.kernel.choosePort(fd) orelse return .ADDRINUSE;
        return .SUCCESS;
    }

    pub fn route(_: FakeSystem, destination: *const sys.Name) ?sys.Ends {
        return .{ .source = destination.*, .destination = destination.* };
    }

    pub fn openDiagnosis(fake: FakeSystem) FakeDiagnosis {
        return .{ .kernel = fake.kernel };
    }

    pub fn isReadable(fake: FakeSystem, _: usize) bool {
        fake.kernel.system_calls += 1;
        return fake.kernel.readable;
    }

    pub fn readFile(fake: FakeSystem, path: [*:0]const u8, buffer: []u8) ?[]u8 {
        fake.kernel.system_calls += 3;
        const is_range = std.mem.endsWith(u8, std.mem.span(path), "ip_local_port_range");
        const text = if (is_range) fake.kernel.namespace_range orelse return null else fake.kernel.reserved;
        @memcpy(buffer[0..text.len], text);
        return buffer[0..text.len];
    }

    pub fn coarseSeconds(fake: FakeSystem) u32 {
        return fake.kernel.second;
    }

    pub fn errno(fake: FakeSystem) E {
        return fake.kernel.errno;
    }

    pub fn setErrno(fake: FakeSystem, value: E) void {
        fake.kernel.errno = value;
    }
};

const FakeDiagnosis = struct {
    kernel: *Kernel,

    pub fn look(it: *FakeDiagnosis, _: *const sys.Name, port: u16, _: *const sys.Name) Finding {
        it.kernel.system_calls += 2;
        if (has(it.kernel.waiting, port)) return .waiting;
        return if (has(it.kernel.connected, port)) .taken else .free;
    }

    pub fn close(_: *FakeDiagnosis) void {}
};

fn has(ports: []const u16, port: u16) bool {
    return std.mem.indexOfScalar(u16, ports, port) != null;
}

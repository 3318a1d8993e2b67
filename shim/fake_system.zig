//! A kernel for unit tests: one network namespace, a few sockets, and the calls that the shim makes.
//!
//! Rule: it answers as Linux does in what the tests ask of it, and counts every system call, so
//! that a test can say what a decision costs. What only a real kernel can show is shown by cases.

const std = @import("std");
const sys = @import("system.zig");
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
    /// Host byte order; 0: no port yet.
    port: u16 = 0,
};

pub const Kernel = struct {
    sockets: []Socket,
    /// ip_local_port_range as /proc shows it; null: no /proc.
    namespace_range: ?[]const u8 = "32768\t60999\n",
    second: u32 = 1,
    errno: E = .SUCCESS,
    readable: bool = true,
    /// Ports that are taken already.
    taken: []const u16 = &.{},
    system_calls: u32 = 0,

    /// The lowest free port of the socket's range, as an explicit bind(2) to port 0 gives it; null: full.
    pub fn choosePort(kernel: *Kernel, fd: i32) ?u16 {
        const range = kernel.sockets[@intCast(fd)].range orelse 0;
        var port: u32 = range & 0xffff;
        while (port <= range >> 16) : (port += 1) {
            if (std.mem.indexOfScalar(u16, kernel.taken, @intCast(port)) == null) return @intCast(port);
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
            else => .{ .errno = .NOPROTOOPT },
        };
        if (level == sys.IPPROTO.TCP) {
            return if (socket.protocol == sys.IPPROTO.TCP) .{ .value = 0 } else .{ .errno = .OPNOTSUPP };
        }
        const value: ?u32 = switch (name) {
            sys.IP.LOCAL_PORT_RANGE => socket.range,
            sys.IP.BIND_ADDRESS_NO_PORT => if (socket.late_bind) |set| @intFromBool(set) else null,
            sys.IP.PASSSEC => @intFromBool(socket.mark),
            else => null,
        };
        return if (value) |it| .{ .value = it } else .{ .errno = .NOPROTOOPT };
    }

    pub fn setOption(fake: FakeSystem, fd: i32, level: u32, name: u32, value: u32) E {
        const socket = fake.enter(fd) orelse return .BADF;
        if (level != sys.SOL.IP) return .NOPROTOOPT;
        switch (name) {
            sys.IP.LOCAL_PORT_RANGE => socket.range = if (socket.range == null) return .NOPROTOOPT else value,
            sys.IP.BIND_ADDRESS_NO_PORT => socket.late_bind = if (socket.late_bind == null) return .NOPROTOOPT else value != 0,
            sys.IP.PASSSEC => socket.mark = value != 0,
            else => return .NOPROTOOPT,
        }
        return .SUCCESS;
    }

    pub fn getName(fake: FakeSystem, fd: i32) ?sys.Name {
        const socket = fake.enter(fd) orelse return null;
        var name: sys.Name = std.mem.zeroes(sys.Name);
        name.bytes.family = @intCast(socket.domain);
        name.bytes.port = std.mem.nativeToBig(u16, socket.port);
        name.length = @sizeOf(@TypeOf(name.bytes));
        return name;
    }

    pub fn bind(fake: FakeSystem, fd: i32, name: *const sys.Name) E {
        const socket = fake.enter(fd) orelse return .BADF;
        if (socket.port != 0) return .INVAL;
        if (name.port() == 0 and socket.late_bind == true) return .SUCCESS;
        socket.port = if (name.port() != 0) name.port() else fake.kernel.choosePort(fd) orelse return .ADDRINUSE;
        return .SUCCESS;
    }

    pub fn isReadable(fake: FakeSystem, _: *const anyopaque) bool {
        fake.kernel.system_calls += 1;
        return fake.kernel.readable;
    }

    pub fn readFile(fake: FakeSystem, _: [*:0]const u8, buffer: []u8) ?[]u8 {
        fake.kernel.system_calls += 3;
        const text = fake.kernel.namespace_range orelse return null;
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

//! A kernel for unit tests: one network namespace, a few sockets, and the calls that the shim makes.
//!
//! Rule: it answers as Linux does in what the tests ask of it, and counts every system call, so
//! that a test can say what a decision costs. What only a real kernel can show is shown by cases.

const std = @import("std");
const sys = @import("system.zig");
const diagnosis = @import("diagnosis.zig");
const logging = @import("log.zig");
const Finding = diagnosis.Finding;
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
    /// IP_MINTTL.
    nearness: u32 = 0,
    filter: [32]sys.Instruction = @splat(.{ .code = 0, .operand = 0 }),
    filter_length: usize = 0,
    /// SO_LOCK_FILTER.
    is_filter_locked: bool = false,
    reuse_address: bool = false,
    reuse_port: bool = false,
    /// Host byte order; 0: no port yet.
    port: u16 = 0,
    /// Whether bind(2) asked for just this port.
    asked: bool = false,
    /// What it is bound to, in IPv4.
    address: [4]u8 = @splat(0),
    /// The port of what a UDP socket is connected to; 0: nothing.
    peer: u16 = 0,
    /// Which of all binds was this socket's.
    bound_at: u32 = 0,
    /// The two marks of UDP sockets that share ports.
    no_fcs: bool = false,
    inline_data: bool = false,
    is_on_device: bool = false,

    /// Gives it a filter of the guest's own.
    pub fn addFilter(socket: *Socket) void {
        socket.attach(&.{.{ .code = 6, .operand = 0xffff }});
    }

    pub fn program(socket: *const Socket) []const sys.Instruction {
        return socket.filter[0..socket.filter_length];
    }

    fn withoutFilter(socket: *const Socket) Socket {
        var without = socket.*;
        without.filter = @splat(.{ .code = 0, .operand = 0 });
        without.filter_length = 0;
        return without;
    }

    fn attach(socket: *Socket, instructions: []const sys.Instruction) void {
        @memcpy(socket.filter[0..instructions.len], instructions);
        socket.filter_length = instructions.len;
    }
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
    /// No address of this host.
    foreign: [4]u8 = .{ 203, 0, 113, 7 },
    /// What bind(2) says to everything; SUCCESS: it works.
    bind_errno: E = .SUCCESS,
    /// The last line of the log, and how many there are.
    logged: ?logging.Decision = null,
    lines: u32 = 0,
    /// Sockets that the shim has opened for itself, while they are open.
    own: [4]?Socket = @splat(null),
    own_max: usize = 4,
    /// Whether there is a udp_diag.
    has_diagnosis: bool = true,
    /// What others do when a UDP 4-tuple is looked up.
    at_look: ?*const fn (*Kernel) void = null,
    looks: u32 = 0,
    binds: u32 = 0,
    /// What connect(2) says to everything; SUCCESS: it works.
    connect_errno: E = .SUCCESS,
    /// Where UDP sockets leave from, if not from where route() says.
    leaves_from: ?[4]u8 = null,
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

    fn find(kernel: *Kernel, fd: i32) ?*Socket {
        if (fd < 0) return null;
        const index: usize = @intCast(fd);
        if (index < kernel.sockets.len) return &kernel.sockets[index];
        if (index - kernel.sockets.len >= kernel.own.len) return null;
        return if (kernel.own[index - kernel.sockets.len]) |*socket| socket else null;
    }

    /// UDP sockets on one port, or one of ours and another, of which one shares with nobody.
    fn hasConflict(kernel: *Kernel, socket: *const Socket, port: u16) bool {
        for (0..kernel.sockets.len + kernel.own.len) |fd| {
            const other = kernel.find(@intCast(fd)) orelse continue;
            if (other == socket or other.protocol != socket.protocol or other.port != port) continue;
            if (socket.protocol == sys.IPPROTO.TCP and fd < kernel.sockets.len) continue;
            if (!other.reuse_address or !socket.reuse_address) return true;
        }
        return false;
    }

    /// A connected socket first, then the one that was bound last.
    fn receiver(kernel: *Kernel, address: *const [4]u8, port: u16, peer: u16) ?diagnosis.Receiver {
        var found: ?diagnosis.Receiver = null;
        var latest: u32 = 0;
        for (0..kernel.sockets.len + kernel.own.len) |fd| {
            const socket = kernel.find(@intCast(fd)) orelse continue;
            if (socket.protocol != sys.IPPROTO.UDP or socket.port != port) continue;
            if (socket.peer == peer and std.mem.eql(u8, &socket.address, address)) return .{ .cookie = @intCast(fd + 1), .is_connected = true };
            if (socket.peer != 0 or socket.bound_at < latest) continue;
            latest = socket.bound_at;
            found = .{ .cookie = @intCast(fd + 1), .is_connected = false };
        }
        return found;
    }
};

pub const FakeSystem = struct {
    kernel: *Kernel,

    fn enter(fake: FakeSystem, fd: i32) ?*Socket {
        fake.kernel.system_calls += 1;
        return fake.kernel.find(fd);
    }

    pub fn getOption(fake: FakeSystem, fd: i32, level: u32, name: u32) sys.Option {
        const socket = fake.enter(fd) orelse return .{ .errno = .BADF };
        if (level == sys.SOL.SOCKET) return switch (name) {
            sys.SO.DOMAIN => .{ .value = socket.domain },
            sys.SO.TYPE => .{ .value = socket.kind },
            sys.SO.PROTOCOL => .{ .value = socket.protocol },
            sys.SO.REUSEADDR => .{ .value = @intFromBool(socket.reuse_address) },
            sys.SO.REUSEPORT => .{ .value = @intFromBool(socket.reuse_port) },
            sys.SO.NOFCS => .{ .value = @intFromBool(socket.no_fcs) },
            sys.SO.OOBINLINE => .{ .value = @intFromBool(socket.inline_data) },
            sys.SO.BINDTODEVICE => if (socket.is_on_device) .{ .errno = .INVAL } else .{ .value = 0 },
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
            sys.IP.MINTTL => socket.nearness,
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
            sys.SO.DETACH_FILTER => {
                if (socket.is_filter_locked) return .PERM;
                if (socket.filter_length == 0) return .NOENT;
                socket.* = socket.withoutFilter();
            },
            sys.SO.NOFCS => socket.no_fcs = value != 0,
            sys.SO.OOBINLINE => socket.inline_data = value != 0,
            else => return .NOPROTOOPT,
        } else if (level != sys.SOL.IP) {
            return .NOPROTOOPT;
        } else switch (name) {
            sys.IP.LOCAL_PORT_RANGE => socket.range = if (socket.range == null) return .NOPROTOOPT else value,
            sys.IP.BIND_ADDRESS_NO_PORT => socket.late_bind = if (socket.late_bind == null) return .NOPROTOOPT else value != 0,
            sys.IP.PASSSEC => socket.mark = value != 0,
            sys.IP.RETOPTS => socket.shared_mark = value != 0,
            sys.IP.RECVOPTS => socket.own_address_mark = value != 0,
            sys.IP.MINTTL => socket.nearness = value,
            else => return .NOPROTOOPT,
        }
        return .SUCCESS;
    }

    /// The guest's memory is the test's own.
    pub fn setOptionFrom(fake: FakeSystem, fd: i32, level: u32, name: u32, value: *const anyopaque) E {
        if (!fake.kernel.readable) return .FAULT;
        return fake.setOption(fd, level, name, @as(*align(1) const u32, @ptrCast(value)).*);
    }

    pub fn isLocal(_: FakeSystem, _: *const sys.Name) bool {
        return true;
    }

    pub fn filter(fake: FakeSystem, fd: i32, program: []sys.Instruction) ?usize {
        const socket = fake.enter(fd) orelse return null;
        const items = socket.program();
        if (items.len > program.len) return null;
        @memcpy(program[0..items.len], items);
        return items.len;
    }

    pub fn attachFilter(fake: FakeSystem, fd: i32, program: []const sys.Instruction) E {
        const socket = fake.enter(fd) orelse return .BADF;
        if (socket.is_filter_locked) return .PERM;
        socket.attach(program);
        return .SUCCESS;
    }

    pub fn open(fake: FakeSystem, domain: u32, kind: u32) ?i32 {
        fake.kernel.system_calls += 1;
        for (fake.kernel.own[0..fake.kernel.own_max], fake.kernel.sockets.len..) |*slot, fd| {
            if (slot.* != null) continue;
            const protocol: u32 = if (kind == sys.SOCK.STREAM) sys.IPPROTO.TCP else sys.IPPROTO.UDP;
            slot.* = .{ .domain = domain, .kind = kind, .protocol = protocol };
            return @intCast(fd);
        }
        return null;
    }

    pub fn close(fake: FakeSystem, fd: i32) void {
        fake.kernel.system_calls += 1;
        fake.kernel.own[@as(usize, @intCast(fd)) - fake.kernel.sockets.len] = null;
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
        const address = (name.ipv4() orelse &[_]u8{0} ** 4).*;
        if (std.mem.eql(u8, &address, &fake.kernel.foreign)) return .ADDRNOTAVAIL;
        if (has(fake.kernel.taken, name.port())) return .ADDRINUSE;
        if (has(fake.kernel.joinable, name.port()) and !socket.reuse_address) return .ADDRINUSE;
        if (name.port() != 0 and fake.kernel.hasConflict(socket, name.port())) return .ADDRINUSE;
        socket.address = address;
        fake.kernel.binds += 1;
        socket.bound_at = fake.kernel.binds;
        if (name.port() == 0 and socket.late_bind == true) return .SUCCESS;
        socket.asked = name.port() != 0;
        socket.port = if (socket.asked) name.port() else fake.kernel.choosePort(fd) orelse return .ADDRINUSE;
        return .SUCCESS;
    }

    pub fn route(_: FakeSystem, destination: *const sys.Name) ?sys.Ends {
        return .{ .source = destination.*, .destination = destination.* };
    }

    pub fn connect(fake: FakeSystem, fd: i32, name: *const sys.Name) E {
        const socket = fake.enter(fd) orelse return .BADF;
        if (fake.kernel.connect_errno != .SUCCESS) return fake.kernel.connect_errno;
        socket.peer = name.port();
        if (socket.port == 0) socket.port = own_port;
        const from = fake.kernel.leaves_from orelse name.ipv4().?.*;
        if (std.mem.allEqual(u8, &socket.address, 0)) socket.address = from;
        return .SUCCESS;
    }

    pub fn disconnect(fake: FakeSystem, fd: i32) void {
        const socket = fake.enter(fd) orelse return;
        socket.peer = 0;
        // What bind(2) did not ask for goes too.
        if (!socket.asked) socket.port = 0;
        if (!socket.asked) socket.address = @splat(0);
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

    pub fn log(fake: FakeSystem, _: *const logging.Target, decision: *const logging.Decision) void {
        fake.kernel.logged = decision.*;
        fake.kernel.lines += 1;
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

/// What the kernel chooses for a socket of the shim's own that it does not bind.
const own_port = 40000;

const FakeDiagnosis = struct {
    kernel: *Kernel,

    pub fn look(it: *FakeDiagnosis, _: *const sys.Name, port: u16, _: *const sys.Name) Finding {
        it.kernel.system_calls += 2;
        if (has(it.kernel.waiting, port)) return .waiting;
        return if (has(it.kernel.connected, port)) .taken else .free;
    }

    pub fn isOpen(_: *const FakeDiagnosis) bool {
        return true;
    }

    /// All destinations of a test have one address.
    pub fn receiver(it: *FakeDiagnosis, source: *const sys.Name, port: u16, destination: *const sys.Name) ?diagnosis.Receiver {
        it.kernel.system_calls += 2;
        it.kernel.looks += 1;
        if (it.kernel.at_look) |act| act(it.kernel);
        return if (it.kernel.has_diagnosis) it.kernel.receiver(source.ipv4().?, port, destination.port()) else null;
    }

    pub fn close(_: *FakeDiagnosis) void {}
};

fn has(ports: []const u16, port: u16) bool {
    return std.mem.indexOfScalar(u16, ports, port) != null;
}

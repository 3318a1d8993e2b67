//! What pin decides for connected UDP sockets that share ports, on a kernel of the test's own.

const std = @import("std");
const sys = @import("system.zig");
const fake = @import("fake_system.zig");
const pin = @import("pin.zig");
const scenes = @import("pin/scene.zig");
const Policy = @import("Policy.zig");

const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

/// Shared UDP ports, and no room for the emulation.
const policy: Policy = sharing: {
    var sharing = scenes.policy;
    sharing.udp_share = true;
    sharing.engine = .kernel;
    sharing.environment = .{ .ports = true, .slice = false, .source = false, .engine = false, .log = false, .off = false };
    break :sharing sharing;
};

const APin = pin.Pin(fake.FakeSystem, policy);
const one_port: []const Policy.PortRange = &.{.{ .low = 50000, .high = 50000 }};
const datagram: fake.Socket = .{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.UDP };

fn pinOf(kernel: *fake.Kernel, ranges: []const Policy.PortRange) !APin {
    return .{
        .settings = try scenes.settingsOf(policy, .kernel, ranges),
        .random = .{ .seed = 1 },
        .system = kernel.system(),
    };
}

/// The guest's connect to one port of the one destination.
const Guest = struct {
    call: pin.Call,
    kernel: *fake.Kernel,
    address: std.os.linux.sockaddr.in,

    fn run(call: *const pin.Call) isize {
        const guest: *const Guest = @alignCast(@fieldParentPtr("call", call));
        const name: sys.Name = named(std.mem.bigToNative(u16, guest.address.port));
        return if (guest.kernel.system().connect(call.fd, &name) == .SUCCESS) 0 else -1;
    }
};

fn named(port: u16) sys.Name {
    var name: sys.Name = .ofIpv4(sys.AF.INET, .{ 192, 0, 2, 1 });
    name.setPort(port);
    return name;
}

fn connect(it: *APin, kernel: *fake.Kernel, fd: i32, port: u16) isize {
    var guest: Guest = .{
        .call = .{ .fd = fd, .moment = .connect, .run = Guest.run, .length = 16 },
        .kernel = kernel,
        .address = .{ .port = std.mem.nativeToBig(u16, port), .addr = @bitCast([4]u8{ 192, 0, 2, 1 }) },
    };
    guest.call.address = &guest.address;
    return it.choose(&guest.call);
}

/// Nothing of ours is left behind.
fn expectTidy(kernel: *const fake.Kernel) !void {
    for (kernel.own) |own| try expectEqual(null, own);
    for (kernel.sockets) |*socket| try expect(socket.peer != 0 or socket.program().len <= 1);
}

test "one port carries a flow to each destination, and one alone" {
    var sockets = [_]fake.Socket{datagram} ** 4;
    var kernel: fake.Kernel = .{ .sockets = &sockets };
    var it = try pinOf(&kernel, one_port);
    kernel.errno = .NOENT;
    for ([_]u16{ 1, 2, 3 }, 0..) |port, fd| try expectEqual(0, connect(&it, &kernel, @intCast(fd), port));
    try expectEqual(sys.E.NOENT, kernel.errno);
    for (sockets[0..3]) |socket| try expectEqual(50000, socket.port);
    try expectEqual(-1, connect(&it, &kernel, 3, 2));
    try expectEqual(sys.E.AGAIN, kernel.errno);
    try expectEqual(datagram, sockets[3]);
    try expectTidy(&kernel);
}

test "the guest reads its own SO_REUSEADDR, and no mark" {
    var sockets = [_]fake.Socket{ datagram, datagram };
    sockets[1].reuse_address = true;
    var kernel: fake.Kernel = .{ .sockets = &sockets };
    var it = try pinOf(&kernel, one_port);
    for ([_]u16{ 1, 2 }, 0..) |port, fd| try expectEqual(0, connect(&it, &kernel, @intCast(fd), port));
    try expect(it.isSharing(0, sys.SO.REUSEADDR) and !it.isSharing(1, sys.SO.REUSEADDR));
    for ([_]u32{ sys.SO.NOFCS, sys.SO.OOBINLINE }) |mark| try expect(it.isSharing(0, mark) and it.isSharing(1, mark));
    it.noteReuseAddress(0, true);
    try expect(!it.isSharing(0, sys.SO.REUSEADDR));
    sockets[0].reuse_address = false;
    it.noteReuseAddress(0, false);
    try expect(it.isSharing(0, sys.SO.REUSEADDR) and sockets[0].reuse_address);
}

test "whoever has bound last before the lock has it: the other goes on without the port" {
    var sockets = [_]fake.Socket{ datagram, datagram, datagram };
    var kernel: fake.Kernel = .{ .sockets = &sockets };
    var it = try pinOf(&kernel, one_port);
    try expectEqual(0, connect(&it, &kernel, 0, 1));
    // Each connect looks on its way, by its keeper, and for its keeper.
    kernel.at_look = struct {
        fn bindToo(at: *fake.Kernel) void {
            if (at.looks != 5) return;
            at.sockets[2].port = 50000;
            at.sockets[2].reuse_address = true;
            at.sockets[2].bound_at = at.binds + 1;
        }
    }.bindToo;
    try expectEqual(-1, connect(&it, &kernel, 1, 2));
    try expectEqual(sys.E.AGAIN, kernel.errno);
    try expectEqual(5, kernel.looks);
    try expectEqual(datagram, sockets[1]);
    try expectTidy(&kernel);
}

test "a 4-tuple that is taken between the first look and the lock stays the other's" {
    var sockets = [_]fake.Socket{ datagram, datagram, datagram };
    var kernel: fake.Kernel = .{ .sockets = &sockets };
    var it = try pinOf(&kernel, one_port);
    try expectEqual(0, connect(&it, &kernel, 0, 1));
    kernel.at_look = struct {
        fn takeIt(at: *fake.Kernel) void {
            if (at.looks != 5) return;
            at.sockets[2].port = 50000;
            at.sockets[2].peer = 2;
            at.sockets[2].address = .{ 192, 0, 2, 1 };
        }
    }.takeIt;
    try expectEqual(-1, connect(&it, &kernel, 1, 2));
    try expectEqual(datagram, sockets[1]);
    try expectTidy(&kernel);
}

test "a socket that has its port connects again only where nobody is" {
    var sockets = [_]fake.Socket{ datagram, datagram };
    var kernel: fake.Kernel = .{ .sockets = &sockets };
    var it = try pinOf(&kernel, one_port);
    for ([_]u16{ 1, 2 }, 0..) |port, fd| try expectEqual(0, connect(&it, &kernel, @intCast(fd), port));
    try expectEqual(-1, connect(&it, &kernel, 1, 1));
    try expectEqual(sys.E.AGAIN, kernel.errno);
    try expectEqual(2, sockets[1].peer);
    try expectEqual(0, connect(&it, &kernel, 1, 2));
    try expectEqual(0, connect(&it, &kernel, 1, 3));
    try expectEqual(3, sockets[1].peer);
    try expectTidy(&kernel);
}

test "a socket that the guest has bound to one of the ports connects as ever" {
    var sockets = [_]fake.Socket{ datagram, datagram };
    for (&sockets) |*socket| {
        socket.port = 50000;
        socket.reuse_address = true;
    }
    var kernel: fake.Kernel = .{ .sockets = &sockets };
    var it = try pinOf(&kernel, one_port);
    for (0..2) |fd| try expectEqual(0, connect(&it, &kernel, @intCast(fd), 1));
    try expect(!sockets[1].no_fcs);
}

test "a connect that fails leaves a port that nobody else comes to" {
    var sockets = [_]fake.Socket{ datagram, datagram };
    var kernel: fake.Kernel = .{ .sockets = &sockets, .connect_errno = .NETUNREACH };
    var it = try pinOf(&kernel, one_port);
    try expectEqual(-1, connect(&it, &kernel, 0, 1));
    try expectEqual(50000, sockets[0].port);
    try expect(!sockets[0].reuse_address and !sockets[0].no_fcs);
    kernel.connect_errno = .SUCCESS;
    try expectEqual(-1, connect(&it, &kernel, 1, 1));
    try expectEqual(0, connect(&it, &kernel, 0, 1));
    try expectTidy(&kernel);
}

test "a flow hears its peer alone, until the guest gives it another one or none, or uses the filter itself" {
    var sockets = [_]fake.Socket{datagram} ** 2;
    var kernel: fake.Kernel = .{ .sockets = &sockets };
    var it = try pinOf(&kernel, one_port);
    const here = [4]u8{ 192, 0, 2, 1 };
    try expectEqual(0, connect(&it, &kernel, 0, 7));
    try expect(hears(&sockets[0], .{ .from = here, .port = 7, .to = here }));
    try expect(!hears(&sockets[0], .{ .from = here, .port = 8, .to = here }));
    try expect(!hears(&sockets[0], .{ .from = .{ 192, 0, 2, 2 }, .port = 7, .to = here }));
    try expect(!hears(&sockets[0], .{ .from = here, .port = 7, .to = .{ 192, 0, 2, 2 } }));
    try expect(!hears(&sockets[0], .{ .version = 6, .from = here, .port = 7, .to = here }));

    try expectEqual(0, connect(&it, &kernel, 0, 8));
    try expect(hears(&sockets[0], .{ .from = here, .port = 8, .to = here }));
    try expect(!hears(&sockets[0], .{ .from = here, .port = 7, .to = here }));
    kernel.connect_errno = .NETUNREACH;
    try expectEqual(-1, connect(&it, &kernel, 0, 9));
    try expectEqual(0, sockets[0].filter_length);
    kernel.connect_errno = .SUCCESS;

    try expectEqual(0, connect(&it, &kernel, 0, 9));
    try expect(it.vacate(0, sys.SOL.SOCKET, sys.SO.LOCK_FILTER));
    try expectEqual(0, sockets[0].filter_length);
    sockets[0].addFilter();
    const own = sockets[0].filter;
    try expectEqual(0, connect(&it, &kernel, 0, 7));
    try expect(it.vacate(0, sys.SOL.SOCKET, sys.SO.DETACH_FILTER));
    try expectEqual(own, sockets[0].filter);
}

/// The beginning of an IPv4 header, and of a UDP header.
const Datagram = struct { version: u8 = 4, from: [4]u8, port: u16, to: [4]u8 };

/// What the socket's filter says: the classic BPF that the shim writes, carried out.
fn hears(socket: *const fake.Socket, arriving: Datagram) bool {
    const header = [_]u8{arriving.version << 4 | 5} ++ [_]u8{0} ** 11 ++ arriving.from ++ arriving.to;
    const ip_header = 0xfff00000;
    var loaded: u32 = 0;
    var at: usize = 0;
    while (true) : (at += 1) {
        const instruction = socket.program()[at];
        switch (instruction.code) {
            0x20 => loaded = std.mem.readInt(u32, header[instruction.operand - ip_header ..][0..4], .big),
            0x30 => loaded = header[instruction.operand - ip_header],
            0x28 => loaded = arriving.port,
            0x54 => loaded &= instruction.operand,
            0x15 => at += if (loaded == instruction.operand) instruction.if_true else instruction.if_false,
            0x06 => return instruction.operand >= std.math.maxInt(u16),
            else => unreachable,
        }
    }
}

test "a filter or device of the guest's, no udp_diag, no descriptor: a port for itself or none" {
    const Trouble = enum { filter, device, blind, no_descriptor };
    for ([_]Trouble{ .filter, .device, .blind, .no_descriptor }) |trouble| {
        var sockets = [_]fake.Socket{ datagram, datagram };
        var kernel: fake.Kernel = .{ .sockets = &sockets };
        var it = try pinOf(&kernel, one_port);
        kernel.has_diagnosis = trouble != .blind;
        try expectEqual(0, connect(&it, &kernel, 0, 1));
        const looks = kernel.looks;
        switch (trouble) {
            .filter => sockets[1].addFilter(),
            .device => sockets[1].is_on_device = true,
            .blind => {},
            .no_descriptor => kernel.own_max = 0,
        }
        try expectEqual(-1, connect(&it, &kernel, 1, 2));
        try expectEqual(sys.E.AGAIN, kernel.errno);
        try expect(!sockets[1].no_fcs and !sockets[1].reuse_address);
        // What is known once is not asked again.
        if (trouble == .blind) try expectEqual(looks, kernel.looks);
        try expectTidy(&kernel);
    }
}

test "where routing by the socket itself leaves from elsewhere, that 4-tuple is the one that must be free" {
    var sockets = [_]fake.Socket{ datagram, datagram };
    var kernel: fake.Kernel = .{ .sockets = &sockets };
    var it = try pinOf(&kernel, one_port);
    try expectEqual(0, connect(&it, &kernel, 0, 1));
    kernel.leaves_from = .{ 192, 0, 2, 9 };
    try expectEqual(0, connect(&it, &kernel, 1, 2));
    try expectEqual([4]u8{ 192, 0, 2, 9 }, sockets[1].address);
    try expectEqual(2, sockets[1].peer);
    try expectTidy(&kernel);
}

//! What pin decides, on a kernel of the test's own: which calls reach it, what they cost, what the guest is told.

const std = @import("std");
const sys = @import("system.zig");
const fake = @import("fake_system.zig");
const pin = @import("pin.zig");
const Policy = @import("Policy.zig");
const Ports = @import("Ports.zig");

const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

/// A pin, its kernel, and the one call that the guest makes.
const Scene = struct {
    kernel: fake.Kernel,
    pin: APin = undefined,

    /// The pin of a scene whose settings are made already.
    fn settle(scene: *Scene) void {
        scene.pin = .{ .settings = scene.pin.settings, .random = .{ .seed = 1 }, .system = scene.kernel.system() };
    }

    /// The same on a kernel that lacks IP_BIND_ADDRESS_NO_PORT too, as the shim knows by now.
    fn settleWithoutLateBind(scene: *Scene) void {
        for (scene.kernel.sockets) |*socket| socket.late_bind = null;
        scene.settle();
        scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    }

    fn begin(scene: *Scene, ranges: []const Policy.PortRange) !void {
        scene.pin = .{
            .settings = try settingsOf(policy, .kernel, ranges),
            .random = .{ .seed = 1 },
            .system = scene.kernel.system(),
        };
    }

    /// Runs the guest's call through `decide` and gives its result and what it cost us.
    fn run(scene: *Scene, comptime decide: anytype, guest: Guest) struct { isize, u32 } {
        var it = guest;
        it.kernel = &scene.kernel;
        it.call.run = Guest.run;
        const before = scene.kernel.system_calls;
        const result = decide(&scene.pin, &it.call);
        return .{ result, scene.kernel.system_calls - before - it.runs };
    }
};

/// Every test has ports without a source and without rules to begin with.
pub fn settingsOf(comptime of: Policy, engine: Policy.Engine, ranges: []const Policy.PortRange) !pin.Settings(of) {
    return .{
        .own = .{ .ports = try .init(ranges), .source = .none },
        .rules = .{},
        .defer_bind = true,
        .engine = engine,
        .when_unkept = .refuse,
    };
}

/// Everything that the environment can ask for, as in the general library.
pub const policy: Policy = .{
    .name = "test",
    .ports = &.{},
    .slice = null,
    .source = .none,
    .listen = .keep,
    .udp_share = false,
    .rules = &.{},
    .defer_bind = true,
    .engine = .auto,
    .when_unkept = .refuse,
    .environment = .{ .ports = true, .slice = true, .source = true, .engine = true, .log = true, .off = true },
};

const APin = pin.Pin(fake.FakeSystem, policy);

/// A connect, listen or bind that needs a port, as the fake kernel carries it out.
const Guest = struct {
    call: pin.Call,
    kernel: *fake.Kernel = undefined,
    full: sys.E = .ADDRNOTAVAIL,
    runs: u32 = 0,

    fn run(call: *const pin.Call) isize {
        const guest: *Guest = @alignCast(@constCast(@fieldParentPtr("call", call)));
        guest.runs += 1;
        guest.kernel.system_calls += 1;
        guest.kernel.guest_runs += 1;
        const socket = &guest.kernel.sockets[@intCast(call.fd)];
        if (call.moment == .bind and socket.late_bind == true) return 0;
        if (socket.port == 0) socket.port = guest.kernel.choosePort(call.fd) orelse {
            guest.kernel.errno = guest.full;
            return -1;
        };
        return 0;
    }
};

const loopback: std.os.linux.sockaddr.in = .{ .port = std.mem.nativeToBig(u16, 443), .addr = 0 };
const any_port: std.os.linux.sockaddr.in = .{ .port = 0, .addr = 0 };

fn connecting(fd: i32) Guest {
    return .{ .call = .{ .fd = fd, .moment = .connect, .run = undefined, .address = &loopback, .length = 16 } };
}

fn binding(fd: i32, address: *const std.os.linux.sockaddr.in) Guest {
    return .{
        .call = .{ .fd = fd, .moment = .bind, .run = undefined, .address = address, .length = 16 },
        .full = .ADDRINUSE,
    };
}

fn pack(low: u16, high: u16) u32 {
    return @as(u32, low) | @as(u32, high) << 16;
}

test "a new socket has its range at once, and connect asks once more" {
    var sockets = [_]fake.Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    try expectEqual(pack(50000, 50003), sockets[0].range.?);
    const result, const cost = scene.run(APin.choose, connecting(0));
    try expectEqual(0, result);
    try expectEqual(1, cost);
    try expectEqual(50000, sockets[0].port);
}

test "a stranger gets its range at connect" {
    var sockets = [_]fake.Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    const result, _ = scene.run(APin.choose, connecting(0));
    try expectEqual(0, result);
    try expectEqual(pack(50000, 50003), sockets[0].range.?);
}

test "a range that the guest narrowed itself stays, one that reaches outside does not" {
    var sockets = [_]fake.Socket{ .{ .range = pack(50001, 50002) }, .{ .range = pack(50002, 50004) }, .{ .range = pack(50001, 0) } };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    for (0..sockets.len) |fd| _ = scene.run(APin.choose, connecting(@intCast(fd)));
    try expectEqual(50001, sockets[0].port);
    try expectEqual(pack(50000, 50003), sockets[1].range.?);
    try expectEqual(pack(50000, 50003), sockets[2].range.?);
}

test "sockets that are not ours keep what they have" {
    const raw: fake.Socket = .{ .kind = sys.SOCK.RAW, .port = 1 };
    const ping: fake.Socket = .{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.ICMP, .port = 1 };
    const unix: fake.Socket = .{ .domain = sys.AF.UNIX, .protocol = 0, .range = null, .port = 1 };
    var sockets = [_]fake.Socket{ raw, ping, unix };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    for (0..sockets.len) |fd| {
        scene.pin.adoptStranger(@intCast(fd));
        const result, _ = scene.run(APin.choose, connecting(@intCast(fd)));
        try expectEqual(0, result);
    }
    try std.testing.expectEqualDeep([_]fake.Socket{ raw, ping, unix }, sockets);
}

test "a range outside the namespace's is refused, with a documented errno and no call" {
    var sockets = [_]fake.Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .namespace_range = "32768\t50002\n" } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    const result, _ = scene.run(APin.choose, connecting(0));
    try expectEqual(-1, result);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
    try expectEqual(0, sockets[0].port);
}

test "under `leave` it goes on as it stands" {
    var sockets = [_]fake.Socket{.{ .range = pack(40000, 40001) }};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .namespace_range = "32768\t50002\n" } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.settings.when_unkept = .leave;
    const result, _ = scene.run(APin.choose, connecting(0));
    try expectEqual(0, result);
    try expectEqual(40000, sockets[0].port);
}

test "what needs no port is not refused: bound sockets, AF_UNSPEC, unreadable addresses, explicit binds" {
    var sockets = [_]fake.Socket{ .{ .port = 7 }, .{ .range = pack(1, 9) }, .{ .range = pack(1, 9) }, .{ .range = pack(1, 9) } };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .namespace_range = null } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    try expectEqual(0, scene.run(APin.choose, connecting(0))[0]);

    var disconnect = connecting(1);
    const unspecified: std.os.linux.sockaddr.in = .{ .family = sys.AF.UNSPEC, .port = 0, .addr = 0 };
    disconnect.call.address = &unspecified;
    try expectEqual(0, scene.run(APin.choose, disconnect)[0]);

    scene.kernel.readable = false;
    try expectEqual(0, scene.run(APin.choose, connecting(2))[0]);
    scene.kernel.readable = true;

    try expectEqual(0, scene.run(APin.bind, binding(3, &loopback))[0]);
    sockets[3].port = 0;
    try expectEqual(-1, scene.run(APin.bind, binding(3, &any_port))[0]);
}

test "a kernel without the option is refused" {
    var sockets = [_]fake.Socket{.{ .range = null }};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    try expectEqual(-1, scene.run(APin.choose, connecting(0))[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
}

test "the namespace's range is read again when the second changes, and not before" {
    var sockets = [_]fake.Socket{ .{}, .{}, .{} };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    scene.kernel.namespace_range = "1024\t2048\n";
    try expectEqual(0, scene.run(APin.choose, connecting(0))[0]);
    scene.kernel.second += 1;
    try expectEqual(-1, scene.run(APin.choose, connecting(1))[0]);
    scene.kernel.second += 1;
    scene.kernel.namespace_range = null;
    try expectEqual(-1, scene.run(APin.choose, connecting(1))[0]);
    scene.kernel.second += 1;
    scene.kernel.namespace_range = "1024\t65535\n";
    try expectEqual(0, scene.run(APin.choose, connecting(2))[0]);
}

test "all ranges are tried, and errno of the failed ones is not seen" {
    var sockets = [_]fake.Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .taken = &.{ 50000, 50010 } } };
    try scene.begin(&.{ .{ .low = 50000, .high = 50000 }, .{ .low = 50010, .high = 50010 }, .{ .low = 50020, .high = 50020 } });
    scene.kernel.errno = .NOENT;
    try expectEqual(0, scene.run(APin.choose, connecting(0))[0]);
    try expectEqual(50020, sockets[0].port);
    try expectEqual(sys.E.NOENT, scene.kernel.errno);

    sockets[0].port = 0;
    scene.kernel.taken = &.{ 50000, 50010, 50020 };
    try expectEqual(-1, scene.run(APin.choose, connecting(0))[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
}

test "bind to port 0 on TCP is deferred, and settles when the guest asks for its name" {
    var sockets = [_]fake.Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    try expectEqual(0, scene.run(APin.bind, binding(0, &any_port))[0]);
    try expectEqual(0, sockets[0].port);
    try expect(scene.pin.isDeferredByUs(0));
    scene.kernel.errno = .NOENT;
    try expect(scene.pin.settle(0));
    try expectEqual(50000, sockets[0].port);
    try expect(!scene.pin.isDeferredByUs(0));
    try expectEqual(sys.E.NOENT, scene.kernel.errno);
}

test "settling in a full range fails and leaves the socket deferred" {
    var sockets = [_]fake.Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .taken = &.{50000} } };
    try scene.begin(&.{.{ .low = 50000, .high = 50000 }});
    try expectEqual(0, scene.run(APin.bind, binding(0, &any_port))[0]);
    try expect(!scene.pin.settle(0));
    try expect(scene.pin.isDeferredByUs(0));
}

test "a guest that asked for a late bind itself keeps port 0" {
    var sockets = [_]fake.Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    sockets[0].late_bind = true;
    scene.pin.noteBindAddressNoPort(0, true);
    try expectEqual(0, scene.run(APin.bind, binding(0, &any_port))[0]);
    try expect(scene.pin.settle(0));
    try expectEqual(0, sockets[0].port);
    try expect(!scene.pin.isDeferredByUs(0));
}

test "an explicit bind and UDP's bind leave no trace of deferral" {
    var sockets = [_]fake.Socket{ .{ .range = pack(50001, 50001) }, .{
        .kind = sys.SOCK.DGRAM,
        .protocol = sys.IPPROTO.UDP,
        .range = pack(50002, 50002),
    } };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    _ = scene.run(APin.bind, binding(0, &loopback));
    try expectEqual(false, sockets[0].late_bind.?);
    const result, const cost = scene.run(APin.bind, binding(1, &any_port));
    try expectEqual(0, result);
    try expectEqual(50002, sockets[1].port);
    try expectEqual(1, cost);
}

test "a kernel that honours the range is asked nothing on the send path" {
    var sockets = [_]fake.Socket{.{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.UDP }};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.DGRAM, 0);
    var sending = connecting(0);
    sending.call.moment = .send;
    const send = struct {
        fn send(it: *APin, call: *pin.Call) isize {
            return it.sendOrConnect(call);
        }
    }.send;
    for (0..3) |_| {
        scene.kernel.second += 1;
        const result, const cost = scene.run(send, sending);
        try expectEqual(0, result);
        try expectEqual(0, cost);
    }
}

const far: std.os.linux.sockaddr.in = .{ .port = std.mem.nativeToBig(u16, 443), .addr = @bitCast([4]u8{ 198, 51, 100, 1 }) };

fn connectingFar(fd: i32) Guest {
    return .{ .call = .{ .fd = fd, .moment = .connect, .run = undefined, .address = &far, .length = 16 } };
}

const seven = [4]u8{ 192, 0, 2, 7 };

fn beginFromSource(scene: *Scene) !void {
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.settings.own.source.ipv4 = seven;
}

test "a source costs a TCP connect two calls more, and a refused one is free for another source" {
    var sockets = [_]fake.Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try beginFromSource(&scene);
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    const result, const cost = scene.run(APin.choose, connectingFar(0));
    try expectEqual(0, result);
    try expectEqual(3, cost);
    try expectEqual(seven, sockets[0].address);

    scene.kernel.bind_errno = .ADDRNOTAVAIL;
    sockets[0].port = 0;
    try expectEqual(-1, scene.run(APin.choose, connectingFar(0))[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
    try expectEqual(false, sockets[0].late_bind);
}

test "a UDP socket that has its port by chance is bound again at the source, one that asked for it is not" {
    const datagrams: fake.Socket = .{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.UDP, .port = 50002 };
    for ([_]bool{ false, true }) |guest_binds| {
        var sockets = [_]fake.Socket{ datagrams, datagrams };
        sockets[1].asked = true;
        sockets[1].port = 50003;
        var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
        try beginFromSource(&scene);
        scene.pin.may_hold_bound.store(guest_binds, .monotonic);
        for ([_]i32{ 0, 1 }) |fd| {
            try expectEqual(0, scene.run(APin.choose, connectingFar(fd))[0]);
            try expectEqual(@as(u16, 50002) + @as(u16, @intCast(fd)), sockets[@intCast(fd)].port);
        }
        try expectEqual(seven, sockets[0].address);
        try expectEqual([4]u8{ 0, 0, 0, 0 }, sockets[1].address);
    }
}

/// A scene on a kernel without IP_LOCAL_PORT_RANGE, on one TCP socket that may use 50000 to 50003.
fn oldKernel(sockets: []fake.Socket) !Scene {
    var scene: Scene = .{ .kernel = .{ .sockets = sockets } };
    for (sockets) |*socket| socket.range = null;
    scene.pin.settings = try settingsOf(policy, .auto, &.{.{ .low = 50000, .high = 50003 }});
    return scene;
}

test "emulation: an exclusive port first, shared after connect, and the guest does not read it" {
    var sockets = [_]fake.Socket{ .{}, .{ .reuse_address = true, .reuse_port = true } };
    var scene = try oldKernel(&sockets);
    scene.settle();
    scene.kernel.taken = &.{ 50000, 50001, 50003 };
    try expectEqual(0, scene.run(APin.choose, connecting(0))[0]);
    try expectEqual(50002, sockets[0].port);
    try expect(sockets[0].reuse_address and scene.pin.isSharedByUs(0));
    scene.pin.noteReuseAddress(0, true);
    try expect(!scene.pin.isSharedByUs(0));

    // What the guest set itself is its own.
    try expectEqual(0, scene.run(APin.choose, connecting(1))[0]);
    try expect(sockets[1].reuse_address and sockets[1].reuse_port and !scene.pin.isSharedByUs(1));
}

test "emulation: a port that others share is joined where the 4-tuple is free" {
    var sockets = [_]fake.Socket{ .{}, .{}, .{} };
    var scene = try oldKernel(&sockets);
    scene.settle();
    scene.kernel.taken = &.{50000};
    scene.kernel.joinable = &.{ 50001, 50002, 50003 };
    scene.kernel.connected = &.{ 50001, 50003 };
    try expectEqual(0, scene.run(APin.choose, connecting(0))[0]);
    try expectEqual(50002, sockets[0].port);

    scene.kernel.connected = &.{ 50001, 50002, 50003 };
    try expectEqual(-1, scene.run(APin.choose, connecting(1))[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
    try expect(!sockets[1].reuse_address and !sockets[1].shared_mark);

    scene.kernel.waiting = &.{50003};
    try expectEqual(0, scene.run(APin.choose, connecting(2))[0]);
    try expectEqual(50003, sockets[2].port);
}

test "emulation: what is full says what the kernel would say" {
    const datagram: fake.Socket = .{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.UDP };
    var sockets = [_]fake.Socket{ .{}, datagram, datagram, datagram };
    var scene = try oldKernel(&sockets);
    scene.settle();
    scene.pin.adoptStranger(0);
    scene.kernel.taken = &.{ 50000, 50001, 50002, 50003 };
    var listening = connecting(0);
    listening.call.moment = .listen;
    try expectEqual(-1, scene.run(APin.choose, listening)[0]);
    try expectEqual(sys.E.ADDRINUSE, scene.kernel.errno);
    try expectEqual(-1, scene.run(APin.choose, connecting(1))[0]);
    try expectEqual(sys.E.AGAIN, scene.kernel.errno);
    try expectEqual(-1, scene.run(APin.bind, binding(2, &any_port))[0]);
    try expectEqual(sys.E.ADDRINUSE, scene.kernel.errno);
    scene.kernel.taken = &.{ 50000, 50001, 50002 };
    try expectEqual(0, scene.run(APin.bind, binding(3, &any_port))[0]);
    try expectEqual(50003, sockets[3].port);
}

test "emulation: the destination's own port is avoided on one address" {
    var sockets = [_]fake.Socket{.{}};
    var scene = try oldKernel(&sockets);
    scene.settle();
    scene.kernel.taken = &.{ 50001, 50002, 50003 };
    const self: std.os.linux.sockaddr.in = .{ .port = std.mem.nativeToBig(u16, 50000), .addr = 0x0100007f };
    var guest = connecting(0);
    guest.call.address = &self;
    try expectEqual(-1, scene.run(APin.choose, guest)[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
}

test "emulation: reserved ports are skipped" {
    var sockets = [_]fake.Socket{.{}};
    var scene = try oldKernel(&sockets);
    scene.settle();
    scene.kernel.reserved = "50000-50001,50003\n";
    try expectEqual(0, scene.run(APin.choose, connecting(0))[0]);
    try expectEqual(50002, sockets[0].port);
}

test "emulation: where bind is forbidden, the policy says what happens, and nothing is searched" {
    for ([_]Policy.WhenUnkept{ .refuse, .leave }) |when_unkept| {
        var sockets = [_]fake.Socket{.{}};
        var scene = try oldKernel(&sockets);
        scene.settle();
        scene.pin.settings.when_unkept = when_unkept;
        scene.kernel.bind_errno = .ACCES;
        const result, const cost = scene.run(APin.choose, connecting(0));
        try expect(cost < 32);
        try expectEqual(@as(u32, if (when_unkept == .leave) 1 else 0), scene.kernel.guest_runs);
        if (when_unkept == .refuse) try expectEqual(-1, result);
    }
}

test "emulation: a deferred bind settles on one of the ports" {
    var sockets = [_]fake.Socket{ .{}, .{ .late_bind = null } };
    var scene = try oldKernel(&sockets);
    scene.settle();
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    try expectEqual(0, scene.run(APin.bind, binding(0, &any_port))[0]);
    try expectEqual(0, sockets[0].port);
    try expect(scene.pin.settle(0));
    try expect(scene.pin.settings.own.ports.has(sockets[0].port));
    // Before Linux 4.2 the kernel does not remember the address alone: the shim does, by itself.
    try expectEqual(0, scene.run(APin.bind, binding(1, &any_port))[0]);
    try expectEqual(0, sockets[1].port);
    try expect(scene.pin.settle(1));
    try expect(scene.pin.settings.own.ports.has(sockets[1].port));
    try expectEqual(0, sockets[1].program().len);
}

const old_datagram: fake.Socket = .{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.UDP };
const home: std.os.linux.sockaddr.in = .{ .port = 0, .addr = std.mem.nativeToBig(u32, 0x7f000009) };
const foreign: std.os.linux.sockaddr.in = .{ .port = 0, .addr = std.mem.nativeToBig(u32, 0xcb007107) };

test "before Linux 4.2: a bind waits with its address, and the next call that needs a port carries it out" {
    for ([_]pin.Moment{ .connect, .listen, .settle }) |moment| {
        var sockets = [_]fake.Socket{.{ .reuse_port = true }};
        var scene = try oldKernel(&sockets);
        scene.settleWithoutLateBind();
        try expectEqual(0, scene.run(APin.bind, binding(0, &home))[0]);
        try expectEqual(0, sockets[0].port);
        for (scene.kernel.own) |own| try expectEqual(null, own);
        try expect(sockets[0].reuse_port and !sockets[0].reuse_address);
        try expectEqual(null, scene.pin.shownName(0));
        if (moment == .settle) {
            try expect(scene.pin.settle(0));
        } else {
            var guest = connecting(0);
            guest.call.moment = moment;
            try expectEqual(0, scene.run(APin.choose, guest)[0]);
        }
        try expect(scene.pin.settings.own.ports.has(sockets[0].port));
        try expectEqual([_]u8{ 127, 0, 0, 9 }, sockets[0].address);
        try expectEqual(0, sockets[0].program().len);
    }
}

test "before Linux 4.2: the ports all taken, a bind waits all the same, and what settles it fails" {
    var sockets = [_]fake.Socket{.{}};
    var scene = try oldKernel(&sockets);
    scene.settleWithoutLateBind();
    scene.kernel.taken = &.{ 50000, 50001, 50002, 50003 };
    try expectEqual(0, scene.run(APin.bind, binding(0, &home))[0]);
    try expect(!scene.pin.settle(0));
    scene.kernel.taken = &.{};
    try expect(scene.pin.settle(0));
    try expectEqual([_]u8{ 127, 0, 0, 9 }, sockets[0].address);
}

test "before Linux 4.2: the kernel judges the address, and a socket that it refuses stays as it was" {
    for ([_]bool{ false, true }) |asks| {
        var sockets = [_]fake.Socket{.{ .reuse_address = true }};
        var scene = try oldKernel(&sockets);
        scene.settleWithoutLateBind();
        if (asks) try expectEqual(.SUCCESS, scene.pin.emulateSetLateBind(0, &@as(c_int, 1), 4));
        try expectEqual(-1, scene.run(APin.bind, binding(0, &foreign))[0]);
        try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
        try expectEqual(0, sockets[0].program().len);
        try expect(sockets[0].reuse_address);
        try expectEqual(0, scene.run(APin.bind, binding(0, &home))[0]);
        try expectEqual(0, sockets[0].port);
    }
}

test "before Linux 4.2: a guest that asks for a late bind sees its address without a port, and may bind again" {
    var sockets = [_]fake.Socket{ .{}, old_datagram };
    var scene = try oldKernel(&sockets);
    scene.settleWithoutLateBind();
    for (&sockets, 0..) |*socket, index| {
        const fd: i32 = @intCast(index);
        try expectEqual(0, scene.pin.emulateGetLateBind(fd));
        try expectEqual(.SUCCESS, scene.pin.emulateSetLateBind(fd, &@as(c_int, -1), 4));
        try expectEqual(1, scene.pin.emulateGetLateBind(fd));
        for ([_]*const std.os.linux.sockaddr.in{ &any_port, &home }) |address| {
            try expectEqual(0, scene.run(APin.bind, binding(fd, address))[0]);
            try expect(scene.pin.settle(fd));
            const shown = scene.pin.shownName(fd).?;
            try expectEqual(0, shown.port());
            try expectEqual(address.addr, std.mem.readInt(u32, shown.ipv4().?, .native));
        }
        // Cleared, the option changes nothing about what waits; a bind now gets a port at once.
        try expectEqual(.SUCCESS, scene.pin.emulateSetLateBind(fd, null, 0));
        try expect(scene.pin.settle(fd) and scene.pin.shownName(fd) != null);
        scene.pin.settings.defer_bind = false;
        try expectEqual(0, scene.run(APin.bind, binding(fd, &home))[0]);
        try expect(scene.pin.settings.own.ports.has(socket.port));
        try expectEqual(0, socket.program().len);
        try expectEqual(null, scene.pin.shownName(fd));
    }
}

test "before Linux 4.2: a UDP socket that asked for nothing gets its port at once" {
    var sockets = [_]fake.Socket{old_datagram};
    var scene = try oldKernel(&sockets);
    scene.settleWithoutLateBind();
    try expectEqual(0, scene.run(APin.bind, binding(0, &home))[0]);
    try expect(scene.pin.settings.own.ports.has(sockets[0].port));
}

test "before Linux 4.2: values of the option count as ip_setsockopt() counts them" {
    var sockets = [_]fake.Socket{.{}};
    var scene = try oldKernel(&sockets);
    scene.settleWithoutLateBind();
    const set = APin.emulateSetLateBind;
    const second_byte: [4]u8 = .{ 0, 1, 0, 0 };
    for ([_]c_uint{ 1, 2, 3 }) |length| {
        try expectEqual(.SUCCESS, set(&scene.pin, 0, &second_byte, length));
        try expectEqual(0, scene.pin.emulateGetLateBind(0));
    }
    try expectEqual(.SUCCESS, set(&scene.pin, 0, &second_byte, 9));
    try expectEqual(1, scene.pin.emulateGetLateBind(0));
    try expectEqual(.INVAL, set(&scene.pin, 0, &second_byte, std.math.maxInt(c_uint)));
    try expectEqual(.FAULT, set(&scene.pin, 0, null, 1));
    scene.kernel.readable = false;
    try expectEqual(.FAULT, set(&scene.pin, 0, &second_byte, 4));
    try expectEqual(1, scene.pin.emulateGetLateBind(0));
    try expectEqual(.SUCCESS, set(&scene.pin, 0, &second_byte, 0));
    try expectEqual(0, scene.pin.emulateGetLateBind(0));
    // Other sockets, and the kernel engine: as ever.
    try expectEqual(null, set(&scene.pin, 7, &second_byte, 4));
    scene.kernel.readable = true;
    scene.pin.settings.engine = .kernel;
    try expectEqual(null, set(&scene.pin, 0, &second_byte, 4));
    try expectEqual(null, scene.pin.emulateGetLateBind(0));
}

test "before Linux 4.2: a filter of the guest's own stays, and the bind is carried out at once" {
    const own = [_]sys.Instruction{.{ .code = 6, .operand = 7 }} ** 12;
    for ([_]usize{ 1, 9, own.len }) |length| {
        var sockets = [_]fake.Socket{.{}};
        var scene = try oldKernel(&sockets);
        scene.settleWithoutLateBind();
        try expectEqual(.SUCCESS, scene.kernel.system().attachFilter(0, own[0..length]));
        try expectEqual(0, scene.run(APin.bind, binding(0, &home))[0]);
        try expect(scene.pin.settings.own.ports.has(sockets[0].port));
        try std.testing.expectEqualDeep(own[0..length], sockets[0].program());
    }
    var sockets = [_]fake.Socket{.{ .is_filter_locked = true }};
    var scene = try oldKernel(&sockets);
    scene.settleWithoutLateBind();
    try expectEqual(0, scene.run(APin.bind, binding(0, &home))[0]);
    try expect(scene.pin.settings.own.ports.has(sockets[0].port));
}

test "before Linux 4.2: a guest that uses the filter itself finds none of ours" {
    var sockets = [_]fake.Socket{.{}};
    var scene = try oldKernel(&sockets);
    scene.settleWithoutLateBind();
    try expectEqual(0, scene.run(APin.bind, binding(0, &home))[0]);
    try expect(scene.pin.vacate(0, sys.SOL.SOCKET, sys.SO.KEEPALIVE));
    try expectEqual(0, sockets[0].port);
    try expect(scene.pin.vacate(0, sys.SOL.SOCKET, sys.SO.ATTACH_FILTER));
    try expect(sockets[0].port != 0 and sockets[0].program().len == 0);
}

test "before Linux 4.2: a stranger brings what waits with it, and what has a port waits for nothing" {
    var sockets = [_]fake.Socket{.{}};
    var scene = try oldKernel(&sockets);
    scene.settleWithoutLateBind();
    try expectEqual(0, scene.run(APin.bind, binding(0, &home))[0]);
    // Another process, after exec.
    scene.settleWithoutLateBind();
    scene.pin.adoptStranger(0);
    try expect(scene.pin.settle(0));
    try expectEqual([_]u8{ 127, 0, 0, 9 }, sockets[0].address);

    sockets[0] = .{ .range = null, .late_bind = null };
    try expectEqual(0, scene.run(APin.bind, binding(0, &home))[0]);
    sockets[0].port = 1234;
    try expect(scene.pin.settle(0));
    try expectEqual(1234, sockets[0].port);
}

test "without deferral nothing is deferred" {
    var sockets = [_]fake.Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.settings.defer_bind = false;
    sockets[0].range = pack(50000, 50003);
    try expectEqual(0, scene.run(APin.bind, binding(0, &any_port))[0]);
    try expectEqual(50000, sockets[0].port);
}

test "emulation: a UDP socket that a failed send gave a port connects from one of the ports, one that the guest bound does not" {
    const datagram: fake.Socket = .{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.UDP, .port = 33333 };
    var bound = datagram;
    bound.asked = true;
    var sockets = [_]fake.Socket{ datagram, bound };
    var scene = try oldKernel(&sockets);
    scene.settle();
    try expectEqual(0, scene.run(APin.choose, connecting(0))[0]);
    try expect(scene.pin.settings.own.ports.has(sockets[0].port));
    try expectEqual(0, scene.run(APin.choose, connecting(1))[0]);
    try expectEqual(33333, sockets[1].port);
}

test "the log has a line for each decision, and none for a datagram that decides nothing" {
    var sockets = [_]fake.Socket{ .{}, .{}, .{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.UDP } };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .taken = &.{50000} } };
    try scene.begin(&.{ .{ .low = 50000, .high = 50000 }, .{ .low = 50010, .high = 50010 } });
    try expect(scene.pin.settings.target.set("/log"));

    sockets[0].range = pack(50000, 50000);
    try expectEqual(0, scene.run(APin.choose, connecting(0))[0]);
    const line = scene.kernel.logged.?;
    try expectEqual(.connect, line.call);
    try expectEqual(.tcp, line.transport.?);
    try expectEqual(.kernel, line.engine);
    try expectEqual(443, line.destination.?.port());
    try expectEqual(50010, line.source.?.port());
    try expectEqual(2, line.tries);
    try expectEqual(.SUCCESS, line.errno);

    sockets[1].range = pack(50000, 50000);
    scene.kernel.taken = &.{ 50000, 50010 };
    try expectEqual(-1, scene.run(APin.choose, connecting(1))[0]);
    try expectEqual(.ADDRNOTAVAIL, scene.kernel.logged.?.errno);

    scene.kernel.taken = &.{};
    scene.pin.adoptNew(2, sys.AF.INET, sys.SOCK.DGRAM, 0);
    var sending = connecting(2);
    sending.call.moment = .send;
    for (0..3) |_| try expectEqual(0, scene.run(APin.sendOrConnect, sending)[0]);
    try expectEqual(3, scene.kernel.lines);
}

test "the log says what the emulation did" {
    var sockets = [_]fake.Socket{.{}};
    var scene = try oldKernel(&sockets);
    scene.settle();
    try expect(scene.pin.settings.target.set("/log"));
    scene.kernel.taken = &.{ 50000, 50001, 50002 };
    try expectEqual(0, scene.run(APin.choose, connecting(0))[0]);
    const line = scene.kernel.logged.?;
    try expectEqual(.emulation, line.engine);
    try expect(line.tries >= 1 and line.tries <= 4);
    try expectEqual(50003, line.source.?.port());
    try expectEqual(1, scene.kernel.lines);
}

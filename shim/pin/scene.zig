//! What the tests of pin share: a policy that leaves room for everything, a kernel of the test's own, and the one call
//! that the guest makes there.

const std = @import("std");
const fake = @import("../fake_system.zig");
const kernel = @import("../engines/kernel.zig");
const pin = @import("../pin.zig");
const sys = @import("../system.zig");
const Call = @import("../call.zig").Call;
const Policy = @import("../Policy.zig");
const Settings = @import("../settings.zig").Settings;
pub const Ipv4 = std.os.linux.sockaddr.in;

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

/// Every test has ports without a source and without rules to begin with.
pub fn settingsOf(comptime of: Policy, engine: Policy.Engine, ranges: []const Policy.PortRange) !Settings(of) {
    return .{
        .own = .{ .ports = try .init(ranges), .source = .none },
        .rules = .{},
        .defer_bind = true,
        .engine = engine,
        .when_unkept = .refuse,
    };
}

/// A pin and its kernel.
pub const Scene = struct {
    kernel: fake.Kernel,
    pin: pin.Pin(fake.FakeSystem, policy) = undefined,

    pub fn begin(scene: *Scene, ranges: []const Policy.PortRange) !void {
        try scene.beginBy(.kernel, ranges);
    }

    /// On a kernel without IP_LOCAL_PORT_RANGE; the ports are 50000 to 50003.
    pub fn beginWithoutRange(scene: *Scene) !void {
        for (scene.kernel.sockets) |*socket| socket.range = null;
        try scene.beginBy(.auto, &.{.{ .low = 50000, .high = 50003 }});
    }

    /// On one without IP_BIND_ADDRESS_NO_PORT too, as the shim knows by now.
    pub fn beginWithoutLateBind(scene: *Scene) !void {
        for (scene.kernel.sockets) |*socket| socket.late_bind = null;
        try scene.beginWithoutRange();
        scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    }

    fn beginBy(scene: *Scene, engine: Policy.Engine, ranges: []const Policy.PortRange) !void {
        scene.pin = .{
            .settings = try settingsOf(policy, engine, ranges),
            .random = .{ .seed = 1 },
            .system = scene.kernel.system(),
        };
    }

    /// The result of the guest's call, and what it cost us.
    pub fn run(scene: *Scene, guest: Guest) struct { isize, u32 } {
        var it = guest;
        it.kernel = &scene.kernel;
        it.call.run = Guest.run;
        const before = scene.kernel.system_calls;
        const result = scene.pin.choose(&it.call);
        return .{ result, scene.kernel.system_calls - before - it.runs };
    }
};

/// A call of the guest, as the fake kernel carries it out: it gets a port if it has none.
pub const Guest = struct {
    call: Call,
    /// What it fails with where the range is full.
    full: sys.E = .ADDRNOTAVAIL,
    kernel: *fake.Kernel = undefined,
    runs: u32 = 0,

    pub fn connecting(fd: i32) Guest {
        return .{ .call = .{ .fd = fd, .moment = .connect, .run = undefined, .address = &somewhere, .length = 16 } };
    }

    pub fn connectingTo(fd: i32, address: *const Ipv4) Guest {
        var guest: Guest = .connecting(fd);
        guest.call.address = address;
        return guest;
    }

    pub fn sending(fd: i32) Guest {
        var guest: Guest = .connecting(fd);
        guest.call.moment = .send;
        return guest;
    }

    pub fn listening(fd: i32) Guest {
        return .{ .call = .{ .fd = fd, .moment = .listen, .run = undefined } };
    }

    pub fn binding(fd: i32, address: *const Ipv4) Guest {
        return .{
            .call = .{ .fd = fd, .moment = .bind, .run = undefined, .address = address, .length = 16 },
            .full = .ADDRINUSE,
        };
    }

    fn run(call: *const Call) isize {
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

pub const somewhere = at(.{ 0, 0, 0, 0 }, 443);
pub const any_port = at(.{ 0, 0, 0, 0 }, 0);

pub fn at(address: [4]u8, port: u16) Ipv4 {
    return .{ .port = std.mem.nativeToBig(u16, port), .addr = @bitCast(address) };
}

pub const datagram: fake.Socket = .{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.UDP };

/// What IP_LOCAL_PORT_RANGE takes.
pub fn pack(low: u16, high: u16) u32 {
    return kernel.pack(.{ .low = low, .high = high });
}

//! The emulation, on a kernel without IP_LOCAL_PORT_RANGE: which port is found, and what the guest is told.

const std = @import("std");
const scenes = @import("scene.zig");
const sys = @import("../system.zig");
const Policy = @import("../Policy.zig");
const Scene = scenes.Scene;
const Socket = @import("../fake_system.zig").Socket;

const any_port = scenes.any_port;
const at = scenes.at;
const datagram = scenes.datagram;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

test "emulation: an exclusive port first, shared after connect, and the guest does not read it" {
    var sockets = [_]Socket{ .{}, .{ .reuse_address = true, .reuse_port = true } };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutRange();
    scene.kernel.taken = &.{ 50000, 50001, 50003 };
    try expectEqual(0, scene.run(.connecting(0))[0]);
    try expectEqual(50002, sockets[0].port);
    try expect(sockets[0].reuse_address and scene.pin.isSharedByUs(0));
    scene.pin.noteReuseAddress(0, true);
    try expect(!scene.pin.isSharedByUs(0));

    // What the guest set itself is its own.
    try expectEqual(0, scene.run(.connecting(1))[0]);
    try expect(sockets[1].reuse_address and sockets[1].reuse_port and !scene.pin.isSharedByUs(1));
}

test "emulation: a port that others share is joined where the 4-tuple is free" {
    var sockets = [_]Socket{ .{}, .{}, .{} };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutRange();
    scene.kernel.taken = &.{50000};
    scene.kernel.joinable = &.{ 50001, 50002, 50003 };
    scene.kernel.connected = &.{ 50001, 50003 };
    try expectEqual(0, scene.run(.connecting(0))[0]);
    try expectEqual(50002, sockets[0].port);

    scene.kernel.connected = &.{ 50001, 50002, 50003 };
    try expectEqual(-1, scene.run(.connecting(1))[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
    try expect(!sockets[1].reuse_address and !sockets[1].shared_mark);

    scene.kernel.waiting = &.{50003};
    try expectEqual(0, scene.run(.connecting(2))[0]);
    try expectEqual(50003, sockets[2].port);
}

test "emulation: what is full says what the kernel would say" {
    var sockets = [_]Socket{ .{}, datagram, datagram, datagram };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutRange();
    scene.pin.adoptStranger(0);
    scene.kernel.taken = &.{ 50000, 50001, 50002, 50003 };
    try expectEqual(-1, scene.run(.listening(0))[0]);
    try expectEqual(sys.E.ADDRINUSE, scene.kernel.errno);
    try expectEqual(-1, scene.run(.connecting(1))[0]);
    try expectEqual(sys.E.AGAIN, scene.kernel.errno);
    try expectEqual(-1, scene.run(.binding(2, &any_port))[0]);
    try expectEqual(sys.E.ADDRINUSE, scene.kernel.errno);
    scene.kernel.taken = &.{ 50000, 50001, 50002 };
    try expectEqual(0, scene.run(.binding(3, &any_port))[0]);
    try expectEqual(50003, sockets[3].port);
}

test "emulation: the destination's own port is avoided on one address" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutRange();
    scene.kernel.taken = &.{ 50001, 50002, 50003 };
    try expectEqual(-1, scene.run(.connectingTo(0, &at(.{ 127, 0, 0, 1 }, 50000)))[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
}

test "emulation: reserved ports are skipped" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutRange();
    scene.kernel.reserved = "50000-50001,50003\n";
    try expectEqual(0, scene.run(.connecting(0))[0]);
    try expectEqual(50002, sockets[0].port);
}

test "emulation: where bind is forbidden, the policy says what happens, and nothing is searched" {
    for ([_]Policy.WhenUnkept{ .refuse, .leave }) |when_unkept| {
        var sockets = [_]Socket{.{}};
        var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
        try scene.beginWithoutRange();
        scene.pin.settings.when_unkept = when_unkept;
        scene.kernel.bind_errno = .ACCES;
        const result, const cost = scene.run(.connecting(0));
        try expect(cost < 32);
        try expectEqual(@as(u32, if (when_unkept == .leave) 1 else 0), scene.kernel.guest_runs);
        if (when_unkept == .refuse) try expectEqual(-1, result);
    }
}

test "emulation: a deferred bind settles on one of the ports" {
    var sockets = [_]Socket{ .{}, .{ .late_bind = null } };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutRange();
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    try expectEqual(0, scene.run(.binding(0, &any_port))[0]);
    try expectEqual(0, sockets[0].port);
    try expect(scene.pin.settle(0));
    try expect(scene.pin.settings.own.ports.has(sockets[0].port));
    // Before Linux 4.2 the kernel does not remember the address alone: the shim does, by itself.
    try expectEqual(0, scene.run(.binding(1, &any_port))[0]);
    try expectEqual(0, sockets[1].port);
    try expect(scene.pin.settle(1));
    try expect(scene.pin.settings.own.ports.has(sockets[1].port));
    try expectEqual(0, sockets[1].program().len);
}

test "emulation: a UDP socket that a failed send gave a port connects from one of the ports, one that the guest bound does not" {
    var sockets = [_]Socket{ datagram, datagram };
    for (&sockets) |*socket| socket.port = 33333;
    sockets[1].asked = true;
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutRange();
    try expectEqual(0, scene.run(.connecting(0))[0]);
    try expect(scene.pin.settings.own.ports.has(sockets[0].port));
    try expectEqual(0, scene.run(.connecting(1))[0]);
    try expectEqual(33333, sockets[1].port);
}

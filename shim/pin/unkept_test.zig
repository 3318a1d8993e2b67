//! What becomes of calls that no engine can keep the ports for.

const std = @import("std");
const scenes = @import("scene.zig");
const sys = @import("../system.zig");
const Scene = scenes.Scene;
const Socket = @import("../fake_system.zig").Socket;

const any_port = scenes.any_port;
const pack = scenes.pack;
const somewhere = scenes.somewhere;
const expectEqual = std.testing.expectEqual;

test "a range outside the namespace's is refused, with a documented errno and no call" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .namespace_range = "32768\t50002\n" } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    const result, _ = scene.run(.connecting(0));
    try expectEqual(-1, result);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
    try expectEqual(0, sockets[0].port);
}

test "under `leave` it goes on as it stands" {
    var sockets = [_]Socket{.{ .range = pack(40000, 40001) }};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .namespace_range = "32768\t50002\n" } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.settings.when_unkept = .leave;
    const result, _ = scene.run(.connecting(0));
    try expectEqual(0, result);
    try expectEqual(40000, sockets[0].port);
}

test "what needs no port is not refused: bound sockets, AF_UNSPEC, unreadable addresses, explicit binds" {
    var sockets = [_]Socket{ .{ .port = 7 }, .{ .range = pack(1, 9) }, .{ .range = pack(1, 9) }, .{ .range = pack(1, 9) } };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .namespace_range = null } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    try expectEqual(0, scene.run(.connecting(0))[0]);

    var unspecified = any_port;
    unspecified.family = sys.AF.UNSPEC;
    try expectEqual(0, scene.run(.connectingTo(1, &unspecified))[0]);

    scene.kernel.readable = false;
    try expectEqual(0, scene.run(.connecting(2))[0]);
    scene.kernel.readable = true;

    try expectEqual(0, scene.run(.binding(3, &somewhere))[0]);
    sockets[3].port = 0;
    try expectEqual(-1, scene.run(.binding(3, &any_port))[0]);
}

test "a kernel without the option is refused" {
    var sockets = [_]Socket{.{ .range = null }};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    try expectEqual(-1, scene.run(.connecting(0))[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
}

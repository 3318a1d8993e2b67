//! The kernel engine, on a kernel of the test's own: which sockets get a range, when, and what that costs.

const std = @import("std");
const scenes = @import("scene.zig");
const sys = @import("../system.zig");
const Scene = scenes.Scene;
const Socket = @import("../fake_system.zig").Socket;

const at = scenes.at;
const pack = scenes.pack;
const expectEqual = std.testing.expectEqual;

test "a new socket has its range at once, and connect asks once more" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    try expectEqual(pack(50000, 50003), sockets[0].range.?);
    const result, const cost = scene.run(.connecting(0));
    try expectEqual(0, result);
    try expectEqual(1, cost);
    try expectEqual(50000, sockets[0].port);
}

test "a stranger gets its range at connect" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    const result, _ = scene.run(.connecting(0));
    try expectEqual(0, result);
    try expectEqual(pack(50000, 50003), sockets[0].range.?);
}

test "a range that the guest narrowed itself stays, one that reaches outside does not" {
    var sockets = [_]Socket{ .{ .range = pack(50001, 50002) }, .{ .range = pack(50002, 50004) }, .{ .range = pack(50001, 0) } };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    for (0..sockets.len) |fd| _ = scene.run(.connecting(@intCast(fd)));
    try expectEqual(50001, sockets[0].port);
    try expectEqual(pack(50000, 50003), sockets[1].range.?);
    try expectEqual(pack(50000, 50003), sockets[2].range.?);
}

test "sockets that are not ours keep what they have" {
    const raw: Socket = .{ .kind = sys.SOCK.RAW, .port = 1 };
    const ping: Socket = .{ .kind = sys.SOCK.DGRAM, .protocol = sys.IPPROTO.ICMP, .port = 1 };
    const unix: Socket = .{ .domain = sys.AF.UNIX, .protocol = 0, .range = null, .port = 1 };
    var sockets = [_]Socket{ raw, ping, unix };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    for (0..sockets.len) |fd| {
        scene.pin.adoptStranger(@intCast(fd));
        const result, _ = scene.run(.connecting(@intCast(fd)));
        try expectEqual(0, result);
    }
    try std.testing.expectEqualDeep([_]Socket{ raw, ping, unix }, sockets);
}

test "the namespace's range is read again when the second changes, and not before" {
    var sockets = [_]Socket{ .{}, .{}, .{} };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    scene.kernel.namespace_range = "1024\t2048\n";
    try expectEqual(0, scene.run(.connecting(0))[0]);
    scene.kernel.second += 1;
    try expectEqual(-1, scene.run(.connecting(1))[0]);
    scene.kernel.second += 1;
    scene.kernel.namespace_range = null;
    try expectEqual(-1, scene.run(.connecting(1))[0]);
    scene.kernel.second += 1;
    scene.kernel.namespace_range = "1024\t65535\n";
    try expectEqual(0, scene.run(.connecting(2))[0]);
}

test "all ranges are tried, and errno of the failed ones is not seen" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .taken = &.{ 50000, 50010 } } };
    try scene.begin(&.{ .{ .low = 50000, .high = 50000 }, .{ .low = 50010, .high = 50010 }, .{ .low = 50020, .high = 50020 } });
    scene.kernel.errno = .NOENT;
    try expectEqual(0, scene.run(.connecting(0))[0]);
    try expectEqual(50020, sockets[0].port);
    try expectEqual(sys.E.NOENT, scene.kernel.errno);

    sockets[0].port = 0;
    scene.kernel.taken = &.{ 50000, 50010, 50020 };
    try expectEqual(-1, scene.run(.connecting(0))[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
}

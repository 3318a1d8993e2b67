//! Which sockets are bound to the source, and what that costs.

const std = @import("std");
const scenes = @import("scene.zig");
const sys = @import("../system.zig");
const Scene = scenes.Scene;
const Socket = @import("../fake_system.zig").Socket;

const at = scenes.at;
const datagram = scenes.datagram;
const expectEqual = std.testing.expectEqual;

const seven = [4]u8{ 192, 0, 2, 7 };
const far = at(.{ 198, 51, 100, 1 }, 443);

fn beginFromSource(scene: *Scene) !void {
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.settings.own.source.ipv4 = seven;
}

test "a source costs a TCP connect two calls more, and a refused one is free for another source" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try beginFromSource(&scene);
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.STREAM, 0);
    const result, const cost = scene.run(.connectingTo(0, &far));
    try expectEqual(0, result);
    try expectEqual(3, cost);
    try expectEqual(seven, sockets[0].address);

    scene.kernel.bind_errno = .ADDRNOTAVAIL;
    sockets[0].port = 0;
    try expectEqual(-1, scene.run(.connectingTo(0, &far))[0]);
    try expectEqual(sys.E.ADDRNOTAVAIL, scene.kernel.errno);
    try expectEqual(false, sockets[0].late_bind);
}

test "a UDP socket that has its port by chance is bound again at the source, one that asked for it is not" {
    for ([_]bool{ false, true }) |guest_binds| {
        var sockets = [_]Socket{ datagram, datagram };
        sockets[0].port = 50002;
        sockets[1].asked = true;
        sockets[1].port = 50003;
        var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
        try beginFromSource(&scene);
        scene.pin.may_hold_bound.store(guest_binds, .monotonic);
        for ([_]i32{ 0, 1 }) |fd| {
            try expectEqual(0, scene.run(.connectingTo(fd, &far))[0]);
            try expectEqual(@as(u16, 50002) + @as(u16, @intCast(fd)), sockets[@intCast(fd)].port);
        }
        try expectEqual(seven, sockets[0].address);
        try expectEqual([4]u8{ 0, 0, 0, 0 }, sockets[1].address);
    }
}

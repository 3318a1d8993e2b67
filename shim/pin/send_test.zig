//! What a message costs.

const std = @import("std");
const scenes = @import("scene.zig");
const sys = @import("../system.zig");
const Scene = scenes.Scene;
const Socket = @import("../fake_system.zig").Socket;

const datagram = scenes.datagram;
const expectEqual = std.testing.expectEqual;

test "a kernel that honours the range is asked nothing on the send path" {
    var sockets = [_]Socket{datagram};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.adoptNew(0, sys.AF.INET, sys.SOCK.DGRAM, 0);
    for (0..3) |_| {
        scene.kernel.second += 1;
        const result, const cost = scene.run(.sending(0));
        try expectEqual(0, result);
        try expectEqual(0, cost);
    }
}

//! bind(2): what is deferred, what settles it, and what the guest sees of it.

const std = @import("std");
const scenes = @import("scene.zig");
const sys = @import("../system.zig");
const Scene = scenes.Scene;
const Socket = @import("../fake_system.zig").Socket;

const any_port = scenes.any_port;
const datagram = scenes.datagram;
const pack = scenes.pack;
const somewhere = scenes.somewhere;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

test "bind to port 0 on TCP is deferred, and settles when the guest asks for its name" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    try expectEqual(0, scene.run(.binding(0, &any_port))[0]);
    try expectEqual(0, sockets[0].port);
    try expect(scene.pin.isDeferredByUs(0));
    scene.kernel.errno = .NOENT;
    try expect(scene.pin.settle(0));
    try expectEqual(50000, sockets[0].port);
    try expect(!scene.pin.isDeferredByUs(0));
    try expectEqual(sys.E.NOENT, scene.kernel.errno);
}

test "settling in a full range fails and leaves the socket deferred" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .taken = &.{50000} } };
    try scene.begin(&.{.{ .low = 50000, .high = 50000 }});
    try expectEqual(0, scene.run(.binding(0, &any_port))[0]);
    try expect(!scene.pin.settle(0));
    try expect(scene.pin.isDeferredByUs(0));
}

test "a guest that asked for a late bind itself keeps port 0" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    sockets[0].late_bind = true;
    scene.pin.noteBindAddressNoPort(0, true);
    try expectEqual(0, scene.run(.binding(0, &any_port))[0]);
    try expect(scene.pin.settle(0));
    try expectEqual(0, sockets[0].port);
    try expect(!scene.pin.isDeferredByUs(0));
}

test "an explicit bind and UDP's bind leave no trace of deferral" {
    var sockets = [_]Socket{ .{}, datagram };
    sockets[0].range = pack(50001, 50001);
    sockets[1].range = pack(50002, 50002);
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    _ = scene.run(.binding(0, &somewhere));
    try expectEqual(false, sockets[0].late_bind.?);
    const result, const cost = scene.run(.binding(1, &any_port));
    try expectEqual(0, result);
    try expectEqual(50002, sockets[1].port);
    try expectEqual(1, cost);
}

test "without deferral nothing is deferred" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.begin(&.{.{ .low = 50000, .high = 50003 }});
    scene.pin.settings.defer_bind = false;
    sockets[0].range = pack(50000, 50003);
    try expectEqual(0, scene.run(.binding(0, &any_port))[0]);
    try expectEqual(50000, sockets[0].port);
}

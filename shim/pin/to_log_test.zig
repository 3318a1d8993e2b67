//! Which calls the log has a line for, and what is in it.

const std = @import("std");
const scenes = @import("scene.zig");
const sys = @import("../system.zig");
const Scene = scenes.Scene;
const Socket = @import("../fake_system.zig").Socket;

const datagram = scenes.datagram;
const pack = scenes.pack;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

test "the log has a line for each decision, and none for a datagram that decides nothing" {
    var sockets = [_]Socket{ .{}, .{}, datagram };
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets, .taken = &.{50000} } };
    try scene.begin(&.{ .{ .low = 50000, .high = 50000 }, .{ .low = 50010, .high = 50010 } });
    try expect(scene.pin.settings.target.set("/log"));

    sockets[0].range = pack(50000, 50000);
    try expectEqual(0, scene.run(.connecting(0))[0]);
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
    try expectEqual(-1, scene.run(.connecting(1))[0]);
    try expectEqual(.ADDRNOTAVAIL, scene.kernel.logged.?.errno);

    scene.kernel.taken = &.{};
    scene.pin.adoptNew(2, sys.AF.INET, sys.SOCK.DGRAM, 0);
    for (0..3) |_| try expectEqual(0, scene.run(.sending(2))[0]);
    try expectEqual(3, scene.kernel.lines);
}

test "the log says what the emulation did" {
    var sockets = [_]Socket{.{}};
    var scene: Scene = .{ .kernel = .{ .sockets = &sockets } };
    try scene.beginWithoutRange();
    try expect(scene.pin.settings.target.set("/log"));
    scene.kernel.taken = &.{ 50000, 50001, 50002 };
    try expectEqual(0, scene.run(.connecting(0))[0]);
    const line = scene.kernel.logged.?;
    try expectEqual(.emulation, line.engine);
    try expect(line.tries >= 1 and line.tries <= 4);
    try expectEqual(50003, line.source.?.port());
    try expectEqual(1, scene.kernel.lines);
}
